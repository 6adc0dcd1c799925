import { Check, CloudOff, LoaderCircle, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";
import { clock, plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { type DraftState, missingHalf } from "./draft-state";
import type { EditName } from "./fields";
import { goToField, useDraft, useDraftState } from "./use-draft";
import { isUnfinished } from "./values";

/** The first field that waits for its editor. */
function firstHeld(state: DraftState): EditName | undefined {
  const { edits, problems } = state;
  const names = Object.keys(edits) as EditName[];
  return names.find((name) => name in problems || isUnfinished(edits[name])) ?? missingHalf(state);
}

/** Whether the work is safe, in words, kept up to date for the eye and the ear. */
export function SaveStatus() {
  const draft = useDraft();
  const state = useDraftState();
  const { time_zone: zone } = useTenant();
  const { save } = state;
  const held = firstHeld(state);
  return (
    <div
      className={cn(
        "flex flex-wrap items-center gap-x-2 text-sm phone:order-3 sm:min-h-8",
        save.kind === "clean" ? "phone:sr-only" : "phone:w-full",
      )}
    >
      <p role="status" className="flex min-w-0 items-center gap-1.5 text-ink-soft [&_svg]:size-4 [&_svg]:shrink-0">
        {wordsOf(state, zone)}
      </p>
      {save.kind === "waiting" && <span className="text-ink-soft">Unsaved changes</span>}
      {save.kind === "held" && held && (
        <Button look="link" size="text" onClick={() => goToField(held)}>
          Show
        </Button>
      )}
      {(save.kind === "failed" || save.kind === "offline") && (
        <Button look="link" size="text" onClick={() => void draft.flush()}>
          Try again
        </Button>
      )}
    </div>
  );
}

function wordsOf({ save, edits, conflicts }: DraftState, zone: string): ReactNode {
  const waiting = Object.keys(edits).length;
  switch (save.kind) {
    case "saving":
      return (
        <>
          <LoaderCircle className="animate-spin" aria-hidden />
          Saving…
        </>
      );
    case "saved":
      return (
        <>
          <Check className="text-brand" aria-hidden />
          Saved {clock(save.at, zone)}
        </>
      );
    case "offline":
      return (
        <>
          <CloudOff className="text-bad" aria-hidden />
          {save.kept ? "Offline: kept in this browser, will be sent" : "Offline: keep this page open, will be sent"}
        </>
      );
    case "failed":
      return (
        <>
          <TriangleAlert className="text-bad" aria-hidden />
          <span>
            Not saved: {save.message}
            {save.requestId && <span className="text-xs"> Request {save.requestId}</span>}
          </span>
        </>
      );
    case "held":
      return (
        <>
          <TriangleAlert className="text-bad" aria-hidden />
          {Object.keys(conflicts).length > 0
            ? "Not saved: compare and decide"
            : `${plural(waiting, "change needs", "changes need")} a correction, the rest is saved`}
        </>
      );
    default:
      return null;
  }
}
