import { useId } from "react";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import type { Choices } from "./use-choices";

interface CheckAgainProps {
  choices: Choices;
  isSending: boolean;
  /** The server is at the check before. */
  isChecking: boolean;
}

/** Sends all that was chosen at once: nothing else has the file checked anew. */
export function CheckAgain({ choices, isSending, isChecking }: CheckAgainProps) {
  const note = useId();
  const changed = choices.changed.size;
  const canSend = changed > 0 && !isSending && !isChecking;
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
      <p id={note} role="status" className="min-h-5 text-ink-soft text-sm phone:min-h-10">
        {changed === 0
          ? "No column is changed."
          : `${plural(changed, "column is", "columns are")} changed and not checked yet.`}
        {changed > 0 && isChecking && " The check that is under way comes first."}
      </p>
    </div>
  );
}
