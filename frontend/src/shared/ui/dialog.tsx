/** A modal over the browser's own <dialog>: focus is kept inside and given back, Escape closes, the page behind is inert. */
import { X } from "lucide-react";
import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { cn } from "@/shared/lib/cn";
import { Button } from "./button";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  /** `sheet` slides in from the end of the line and fills the height; `popup` is centred. */
  shape: "sheet" | "popup";
  children: ReactNode;
  footer?: ReactNode;
}

const SHAPES = {
  sheet: "sheet-end my-0 mr-0 ml-auto h-dvh max-h-dvh w-full max-w-sm border-l",
  popup: "popup m-auto max-h-[85dvh] w-[calc(100%-2rem)] max-w-md rounded-2xl border",
};

export const Dialog = ({ open, ...dialog }: DialogProps) => open && <OpenDialog {...dialog} />;

function OpenDialog({ onClose, title, shape, children, footer }: Omit<DialogProps, "open">) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // The browser gives the focus back only when a dialog that is still in the page is closed: a layout effect of the
  // component that goes with its element is cleaned up just before that element is taken out.
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click closes on the backdrop; the keyboard has Escape and the button.
    <dialog
      ref={element}
      aria-labelledby={titleId}
      className={cn("border-line bg-raised text-ink shadow-float", SHAPES[shape])}
      onCancel={(event) => {
        event.preventDefault();
        // Closed before it is taken out, so that a box inside still learns that it was left.
        event.currentTarget.close();
        onClose();
      }}
      onClick={(event) => event.target === event.currentTarget && onClose()}
    >
      <div className="flex h-full max-h-[inherit] flex-col">
        <div className="flex items-center justify-between border-b py-2.5 pr-2.5 pl-5">
          <h2 id={titleId} className="font-semibold text-lg">
            {title}
          </h2>
          <Button look="quiet" size="icon" className="size-11" aria-label="Close" onClick={onClose}>
            <X aria-hidden />
          </Button>
        </div>
        <div className="min-h-0 flex-1 overflow-y-auto px-5 py-5">{children}</div>
        {footer && <div className="flex gap-2.5 border-t px-5 py-3.5">{footer}</div>}
      </div>
    </dialog>
  );
}
