import { type ReactNode, useId } from "react";
import { fieldErrors, isPlaced } from "@/shared/api/field-errors";
import { explain, isProblem } from "@/shared/api/problem";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { ActionDialog } from "./action-dialog";
import { Alert } from "./alert";

interface FormDialogProps<Name extends string> {
  title: string;
  /** What the form does, as its button names it. */
  action: string;
  error: Error | null;
  /** The members of the request body that have a field here. */
  fields: readonly Name[];
  /** The field that a refusal of this name is about. */
  codes?: Record<string, Name>;
  busy: boolean;
  onSubmit: () => void;
  onClose: () => void;
  /** The fields, each with what the app said about it. */
  children: (errors: Partial<Record<Name, string | undefined>>) => ReactNode;
}

/** A small form in a dialog. A refusal is shown at its field, or above them all, and what was typed stays. */
export function FormDialog<Name extends string>(props: FormDialogProps<Name>) {
  const { title, action, busy, onClose } = props;
  const id = useId();
  return (
    <ActionDialog title={title} action={{ type: "submit", form: id, busy, children: action }} onClose={onClose}>
      <DialogForm id={id} {...props} />
    </ActionDialog>
  );
}

/** Inside the dialog, so that it is mounted when that opens. */
function DialogForm<Name extends string>({
  id,
  error,
  fields,
  codes,
  busy,
  onSubmit,
  children,
}: FormDialogProps<Name> & { id: string }) {
  const form = useFormFocus(error, { opened: true });
  const errors = fieldErrors(error, fields, codes);
  return (
    <form
      id={id}
      ref={form}
      className="grid gap-4.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) onSubmit();
      }}
    >
      {error && <Alert look="bad">{isPlaced(errors) ? "Please correct what is marked below." : reason(error)}</Alert>}
      {children(errors)}
    </form>
  );
}

const reason = (error: Error): string =>
  isProblem(error, "version-conflict")
    ? "Someone else changed this meanwhile. What you typed is still here; saving again puts it in place of theirs."
    : explain(error).message;
