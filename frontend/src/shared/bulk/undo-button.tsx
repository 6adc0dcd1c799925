import { useState } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { BulkImport } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { useNow } from "@/shared/lib/use-now";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import type { Deed } from "./import-view";
import { numbered, useSubject } from "./subject";
import { undoableUntil } from "./words";

/** Takes an import back, after it was said what that does; for a week. */
export function UndoButton({ found, undo }: { found: BulkImport; undo: Deed }) {
  const { time_zone: zone } = useTenant();
  const subject = useSubject();
  const [asking, setAsking] = useState(false);
  const until = undoableUntil(found);
  if (useNow() >= until)
    return <p className="text-ink-soft text-sm">It is too late to undo it: that goes for a week.</p>;
  const { create, update } = found.counts;
  return (
    <>
      <Button look="secondary" size="large" aria-haspopup="dialog" onClick={() => setAsking(true)}>
        Undo import…
      </Button>
      <p className="text-ink-soft text-sm">Until {moment(new Date(until).toISOString(), zone)}.</p>
      {asking && (
        <ConfirmDialog
          title="Undo this import?"
          action="Undo import"
          busy={undo.isPending}
          onConfirm={() => {
            setAsking(false);
            undo.mutate();
          }}
          onClose={() => setAsking(false)}
        >
          {found.undo && (
            <p>
              {numbered(subject, found.undo.undone)} {found.undo.undone === 1 ? "is" : "are"} as before already.
            </p>
          )}
          {create > 0 && (
            <p>
              {numbered(subject, create)} that it added {create === 1 ? "is" : "are"} removed.
            </p>
          )}
          {update > 0 && <p>{subject.undone(update)}</p>}
          <p className="text-ink-soft">{subject.kept}</p>
        </ConfirmDialog>
      )}
    </>
  );
}
