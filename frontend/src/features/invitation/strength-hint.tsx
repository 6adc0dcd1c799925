import { cn } from "@/shared/lib/cn";
import type { Strength } from "./strength";

const COLOURS = ["bg-bad", "bg-on-warn-soft", "bg-brand", "bg-brand"];

/** Three steps for the eye; the words say the same. */
export const StrengthHint = ({ strength: { level, words } }: { strength: Strength }) => (
  <div className="grid gap-1.5">
    <div className="grid grid-cols-3 gap-1.5" aria-hidden>
      {[1, 2, 3].map((step) => (
        <div
          key={step}
          className={cn("h-1 rounded-full transition-colors", step <= level ? COLOURS[level] : "bg-line")}
        />
      ))}
    </div>
    <p>{words}</p>
  </div>
);
