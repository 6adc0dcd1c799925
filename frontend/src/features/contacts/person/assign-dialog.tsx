import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { Contact } from "@/shared/api/types";
import { nameOf } from "@/shared/lib/name-of";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { TextAreaField } from "@/shared/ui/text-area-field";
import { useColleagues } from "../colleagues";
import { assignContact, contactQuery, refreshContacts } from "../queries";

interface AssignDialogProps {
  contact: Contact;
  onClose: () => void;
  onDone: (words: string) => void;
}

/** Says who looks after a contact from now on. */
export function AssignDialog({ contact, onClose, onDone }: AssignDialogProps) {
  const client = useQueryClient();
  const { user: self } = useSession();
  const colleagues = useColleagues();
  // What the choice was made on; a version that came in meanwhile is not what was looked at.
  const [seen, setSeen] = useState(contact);
  const present = seen.assigned_to;
  const [assignee, setAssignee] = useState(present?.id ?? "");
  const [note, setNote] = useState("");
  const assign = useMutation({
    mutationFn: () => assignContact(seen, assignee || null, note.trim() || null),
    onSuccess: (saved) => {
      void refreshContacts(client, saved);
      onClose();
      onDone(
        saved.assigned_to
          ? `${saved.assigned_to.id === self.id ? "You look" : `${nameOf(saved.assigned_to)} looks`} after ${saved.name} now.`
          : `Nobody looks after ${saved.name} now; they wait to be claimed.`,
      );
    },
    onError: async (error) => {
      if (isProblem(error, "version-conflict")) setSeen(await client.fetchQuery(contactQuery(contact.id)));
    },
  });
  return (
    <FormDialog
      title={`Assign ${contact.name}`}
      action="Assign"
      error={assign.error}
      fields={["assigned_to", "note"]}
      busy={assign.isPending}
      onSubmit={() => assign.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <SelectField
            label="Who looks after them"
            name="assigned_to"
            value={assignee}
            error={errors.assigned_to}
            onChange={(event) => setAssignee(event.target.value)}
          >
            <option value="">Nobody: they wait in their office</option>
            {present && !colleagues.some(({ id }) => id === present.id) && (
              <option value={present.id}>{nameOf(present)}</option>
            )}
            {colleagues.map(({ id, name }) => (
              <option key={id} value={id}>
                {id === self.id ? `${name} (you)` : name}
              </option>
            ))}
          </SelectField>
          <TextAreaField
            label="Why"
            name="note"
            maxLength={1000}
            hint="May stay empty. Shown in the timeline."
            value={note}
            error={errors.note}
            onChange={(event) => setNote(event.target.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
