import type { ReactNode } from "react";
import { ActionDialog } from "./action-dialog";
import { Alert } from "./alert";

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
  <ActionDialog title={title} action={{ look: "danger", busy, onClick: onConfirm, children: action }} onClose={onClose}>
    <div className="grid gap-4">
      <div className="grid gap-2">{children}</div>
      {refusal && <Alert look="bad">{refusal}</Alert>}
    </div>
  </ActionDialog>
);
