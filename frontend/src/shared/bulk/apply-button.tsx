import type { BulkImport } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import type { Deed } from "./import-view";
import { numbered, useSubject } from "./subject";
import { effects } from "./words";

/** Why it cannot be imported, if so. */
function obstacle(found: BulkImport, isUnchecked: boolean): string | undefined {
  if (isUnchecked) return "You have changed columns below: have the file checked again, or reset them.";
  if (effects(found) > 0) return undefined;
  const held = new Set(found.columns.map(({ field }) => field));
  const missing = found.fields.filter(({ name, required }) => required && !held.has(name));
  if (missing.length > 0)
    return `Choose below which column holds the ${missing.map(({ label }) => label.toLowerCase()).join(" and the ")}.`;
  if (found.counts.faulty > 0 && found.counts.unchanged === 0) return "Every row is faulty: see below what is wrong.";
  return "There is nothing to import: all of this is known already.";
}

interface ApplyButtonProps {
  found: BulkImport;
  /** Columns are chosen with which it was not checked yet. */
  isUnchecked: boolean;
  apply: Deed;
}

/** The one button that changes something, with how many; it says why when it cannot. */
export function ApplyButton({ found, isUnchecked, apply }: ApplyButtonProps) {
  const subject = useSubject();
  const why = obstacle(found, isUnchecked);
  const { faulty } = found.counts;
  const note = why ?? (faulty > 0 ? `${plural(faulty, "faulty row is", "faulty rows are")} left out.` : "");
  return (
    <>
      <Button
        size="large"
        busy={apply.isPending}
        aria-disabled={why ? true : apply.isPending || undefined}
        aria-describedby={note ? "apply-note" : undefined}
        onClick={() => !why && !apply.isPending && apply.mutate()}
      >
        Import {numbered(subject, effects(found))}
      </Button>
      {note && (
        <p id="apply-note" className="text-ink-soft text-sm">
          {note}
        </p>
      )}
    </>
  );
}
