import { useId } from "react";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import type { Choices } from "./use-choices";

/** Sends all that was chosen at once: nothing else has the file checked anew. */
export function CheckAgain({ choices, busy }: { choices: Choices; busy: boolean }) {
  const note = useId();
  const changed = choices.changed.size;
  const canSend = changed > 0 && !busy;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-2.5 border-line border-t pt-4">
      <div className="flex gap-2.5">
        <Button
          look={changed > 0 ? "primary" : "secondary"}
          size="large"
          aria-disabled={!canSend || undefined}
          aria-describedby={note}
          onClick={() => canSend && choices.check()}
        >
          Check again
        </Button>
        <Button
          look="secondary"
          size="large"
          aria-disabled={changed === 0 || undefined}
          aria-describedby={note}
          onClick={() => changed > 0 && choices.reset()}
        >
          Reset
        </Button>
      </div>
      <p id={note} role="status" className="min-h-5 text-ink-soft text-sm">
        {changed === 0
          ? "No column is changed."
          : `${plural(changed, "column is", "columns are")} changed and not checked yet.`}
        {changed > 0 && busy && " The check that is under way comes first."}
      </p>
    </div>
  );
}
