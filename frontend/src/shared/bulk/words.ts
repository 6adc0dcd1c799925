/** What an import is at, in sentences. */
import type { BulkImport } from "@/shared/api/types";
import { count, plural } from "@/shared/lib/format";
import type { Tone } from "@/shared/ui/badge";
import { numbered, type Subject } from "./subject";

type State = BulkImport["state"];

const STATES: Record<State, { words: string; tone: Tone }> = {
  checking: { words: "Being checked", tone: "info" },
  checked: { words: "Not imported yet", tone: "warn" },
  applying: { words: "Being imported", tone: "info" },
  applied: { words: "Imported", tone: "good" },
  undoing: { words: "Being undone", tone: "info" },
  undone: { words: "Undone", tone: "plain" },
  failed: { words: "Failed", tone: "bad" },
};

/** How many rows an import that broke off has not come to. */
export const missed = ({ rows, counts }: BulkImport): number =>
  rows - counts.create - counts.update - counts.unchanged - counts.faulty;

export const isHalfUndone = ({ state, error }: BulkImport): boolean => state === "applied" && error?.step === "undoing";

/** Where an import stands, in two words. What broke off half way is no success. */
export function badge(found: BulkImport): { words: string; tone: Tone } {
  if (isHalfUndone(found)) return { words: "Undone in part", tone: "warn" };
  if (found.state === "applied" && missed(found) > 0) return { words: "Imported in part", tone: "warn" };
  return STATES[found.state];
}

const BUSY: readonly State[] = ["checking", "applying", "undoing"];

/** Whether the server is at it. */
export const isBusy = ({ state }: BulkImport): boolean => BUSY.includes(state);

/** How many an import adds or updates. */
export const effects = ({ counts }: BulkImport): number => counts.create + counts.update;

const DAYS_TO_UNDO = 7;

/** Until when an import can be undone, in milliseconds. */
export const undoableUntil = ({ applied_at }: BulkImport): number =>
  applied_at ? Date.parse(applied_at) + DAYS_TO_UNDO * 86_400_000 : 0;

const are = (number: number) => (number === 1 ? "is" : "are");

/** “1,204 contacts are new, 312 are completed, 40 stay as they are, and 12 rows are faulty.” */
function told(subject: Subject, { create, update, unchanged, faulty }: BulkImport["counts"]): string {
  const parts = [
    create > 0 && `${numbered(subject, create)} ${are(create)} new`,
    update > 0 && `${numbered(subject, update)} ${are(update)} ${subject.updated}`,
    unchanged > 0 &&
      `${numbered(subject, unchanged)} ${unchanged === 1 ? "stays" : "stay"} as ${unchanged === 1 ? "it is" : "they are"}`,
    faulty > 0 && `${plural(faulty, "row", "rows")} ${are(faulty)} faulty`,
  ].filter((part) => part !== false);
  return new Intl.ListFormat("en-US").format(parts);
}

const were = (number: number) => (number === 1 ? "was" : "were");

function undone(subject: Subject, found: BulkImport): string {
  const { undo } = found;
  const begun = isHalfUndone(found) ? "The import is undone in part" : "The import is undone";
  const rest = isHalfUndone(found) ? " The others were not looked at yet." : "";
  if (!undo) return `${begun}.${rest}`;
  const back = `${begun}: ${numbered(subject, undo.undone)} ${are(undo.undone)} as before.`;
  if (undo.kept === 0) return `${back}${rest}`;
  return `${back} ${numbered(subject, undo.kept)} ${were(undo.kept)} kept, because ${subject.touched(undo.kept)}.${rest}`;
}

function imported({ updated }: Subject, found: BulkImport): string {
  const { create, update, faulty } = found.counts;
  const left = missed(found);
  return [
    `${left > 0 ? "Imported in part" : "Imported"}: ${count(create)} added, ${count(update)} ${updated}.`,
    left > 0 && `${plural(left, "row", "rows")} ${were(left)} not imported.`,
    faulty > 0 && `${plural(faulty, "faulty row", "faulty rows")} ${were(faulty)} left out.`,
  ]
    .filter((part) => part !== false)
    .join(" ");
}

/** What is said of an import above everything else. */
export function standing(subject: Subject, found: BulkImport): string {
  const { state, counts } = found;
  switch (state) {
    case "checking":
      return "Your file is being checked. Nothing is changed by that.";
    case "checked":
      return `${told(subject, counts) || "The file has no rows"}. Nothing is changed yet.`;
    case "applying":
      return `Your ${subject.records} are being imported. You may leave this page meanwhile: it goes on.`;
    case "applied":
      return isHalfUndone(found) ? undone(subject, found) : imported(subject, found);
    case "undoing":
      return "The import is being undone. You may leave this page meanwhile: it goes on.";
    case "undone":
      return undone(subject, found);
    case "failed":
      return found.error?.detail ?? "The file could not be read.";
  }
}

/** An import in a few words, for a list of them. */
export function summary({ updated }: Subject, found: BulkImport): string {
  const { state, counts, undo } = found;
  if (undo && (state === "undone" || isHalfUndone(found)))
    return `${count(undo.undone)} undone, ${count(undo.kept)} kept`;
  if (state === "applied") {
    const left = missed(found);
    return `${count(counts.create)} added, ${count(counts.update)} ${updated}${left > 0 ? `, ${count(left)} not imported` : ""}`;
  }
  if (state !== "checked") return "";
  return `${count(counts.create)} new, ${count(counts.update)} to be ${updated}, ${count(counts.faulty)} faulty`;
}
