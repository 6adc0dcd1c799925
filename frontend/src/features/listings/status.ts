import type { Tone } from "@/shared/ui/badge";

const TONES: Record<string, Tone> = {
  Active: "good",
  "Coming Soon": "info",
  "Active Under Contract": "warn",
  Pending: "warn",
  Hold: "warn",
};

/** The colour of a RESO StandardStatus; its name is always written beside it. */
export const statusTone = (status: string): Tone => TONES[status] ?? "plain";

/** What the interface calls it: nobody but the dictionary says "Incomplete". */
export const statusWords = (status: string): string => (status === "Incomplete" ? "Draft" : status);
