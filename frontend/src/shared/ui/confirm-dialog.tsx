import type { ReactNode } from "react";
import { Alert } from "./alert";
import { Button } from "./button";
import { Dialog } from "./dialog";

interface ConfirmDialogProps {
  title: string;
  /** What will be when it is done. */
  children: ReactNode;
  /** The deed, as its button names it. */
  action: string;
  busy: boolean;
  /** Why it was refused, if it was. */
  refusal?: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that cannot be taken back or that stops someone's work. */
export const ConfirmDialog = ({ title, children, action, busy, refusal, onConfirm, onClose }: ConfirmDialogProps) => (
  <Dialog
    open
    onClose={onClose}
    title={title}
    shape="popup"
    footer={
      <>
        <Button look="secondary" className="ml-auto" onClick={onClose}>
          Cancel
        </Button>
        <Button look="danger" busy={busy} onClick={onConfirm}>
          {action}
        </Button>
      </>
    }
  >
    <div className="grid gap-4">
      <div className="grid gap-2">{children}</div>
      {refusal && <Alert look="bad">{refusal}</Alert>}
    </div>
  </Dialog>
);
