import type { ComponentProps, ReactNode } from "react";
import { Button } from "./button";
import { Dialog } from "./dialog";

interface ActionDialogProps {
  title: string;
  /** The button that does it, beside the one that does not. */
  action: ComponentProps<typeof Button>;
  onClose: () => void;
  children: ReactNode;
}

/** A question in the middle of the page: one thing to do, or not. */
export const ActionDialog = ({ title, action, onClose, children }: ActionDialogProps) => (
  <Dialog
    open
    onClose={onClose}
    title={title}
    shape="popup"
    footer={
      <>
        <Button look="secondary" size="large" className="ml-auto" onClick={onClose}>
          Cancel
        </Button>
        <Button size="large" {...action} />
      </>
    }
  >
    {children}
  </Dialog>
);
