/** What an import is at, in sentences. */
import type { BulkImport } from "@/shared/api/types";
import { count, plural } from "@/shared/lib/format";
import type { Tone } from "@/shared/ui/badge";

type State = BulkImport["state"];

export const STATES: Record<State, { words: string; tone: Tone }> = {
  checking: { words: "Being checked", tone: "info" },
  checked: { words: "Not imported yet", tone: "warn" },
  applying: { words: "Being imported", tone: "info" },
  applied: { words: "Imported", tone: "good" },
  undoing: { words: "Being undone", tone: "info" },
  undone: { words: "Undone", tone: "plain" },
  failed: { words: "Failed", tone: "bad" },
};

const BUSY: readonly State[] = ["checking", "applying", "undoing"];

/** Whether the server is at it. */
export const isBusy = ({ state }: BulkImport): boolean => BUSY.includes(state);

export const contacts = (number: number): string => plural(number, "contact", "contacts");

/** How many contacts an import adds or completes. */
export const effects = ({ counts }: BulkImport): number => counts.create + counts.update;

const DAYS_TO_UNDO = 7;

/** Until when an import can be undone, in milliseconds. */
export const undoableUntil = ({ applied_at }: BulkImport): number =>
  applied_at ? Date.parse(applied_at) + DAYS_TO_UNDO * 86_400_000 : 0;

const are = (number: number) => (number === 1 ? "is" : "are");

/** “1,204 contacts are new, 312 are completed, 40 stay as they are, and 12 rows are faulty.” */
function told({ create, update, unchanged, faulty }: BulkImport["counts"]): string {
  const parts = [
    create > 0 && `${contacts(create)} ${are(create)} new`,
    update > 0 && `${contacts(update)} ${are(update)} completed`,
    unchanged > 0 &&
      `${contacts(unchanged)} ${unchanged === 1 ? "stays" : "stay"} as ${unchanged === 1 ? "it is" : "they are"}`,
    faulty > 0 && `${plural(faulty, "row", "rows")} ${are(faulty)} faulty`,
  ].filter((part) => part !== false);
  return new Intl.ListFormat("en-US").format(parts);
}

function undone({ undo }: BulkImport): string {
  if (!undo) return "The import is undone.";
  const back = `The import is undone: ${contacts(undo.undone)} ${are(undo.undone)} as before.`;
  if (undo.kept === 0) return back;
  const were = undo.kept === 1 ? "was" : "were";
  return `${back} ${contacts(undo.kept)} ${were} kept, because somebody has worked with them since.`;
}

/** What is said of an import above everything else. */
export function standing(found: BulkImport): string {
  const { state, counts } = found;
  switch (state) {
    case "checking":
      return "Your file is being checked. Nothing is changed by that.";
    case "checked":
      return `${told(counts) || "The file has no rows"}. Nothing is changed yet.`;
    case "applying":
      return "Your contacts are being imported. You may leave this page meanwhile: it goes on.";
    case "applied": {
      const out = counts.faulty > 0 ? ` ${plural(counts.faulty, "faulty row was", "faulty rows were")} left out.` : "";
      return `Imported: ${count(counts.create)} added, ${count(counts.update)} completed.${out}`;
    }
    case "undoing":
      return "The import is being undone. You may leave this page meanwhile: it goes on.";
    case "undone":
      return undone(found);
    case "failed":
      return found.error?.detail ?? "The file could not be read.";
  }
}

/** An import in a few words, for a list of them. */
export function summary({ state, counts, undo }: BulkImport): string {
  if (state === "undone" && undo) return `${count(undo.undone)} undone, ${count(undo.kept)} kept`;
  if (state === "applied") return `${count(counts.create)} added, ${count(counts.update)} completed`;
  if (state !== "checked") return "";
  return `${count(counts.create)} new, ${count(counts.update)} to be completed, ${count(counts.faulty)} faulty`;
}
