import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isProblem } from "@/shared/api/problem";
import type { Contact } from "@/shared/api/types";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { FormDialog } from "@/shared/ui/form-dialog";
import { TextAreaField } from "@/shared/ui/text-area-field";
import type { Versioned } from "../queries";
import { addNote, changeNote, deleteNote, newestVersionOf, refreshWork } from "./work-queries";

interface DialogProps {
  contact: Contact;
  onClose: () => void;
  onDone: (words: string) => void;
}

export interface Note extends Versioned {
  text: string;
}

interface NoteFormProps extends DialogProps {
  title: string;
  action: string;
  done: string;
  text: string;
  save: (text: string) => Promise<unknown>;
  /** Somebody else was quicker. */
  onOvertaken?: () => Promise<void>;
}

function NoteForm({ contact, title, action, done, text, save, onOvertaken, onClose, onDone }: NoteFormProps) {
  const client = useQueryClient();
  const [draft, setDraft] = useState(text);
  const write = useMutation({
    mutationFn: () => save(draft.trim()),
    onSuccess: async () => {
      onClose();
      onDone(done);
      await refreshWork(client, contact.id);
    },
    onError: async (error) => {
      if (!isProblem(error, "version-conflict")) return;
      await onOvertaken?.();
      await refreshWork(client, contact.id);
    },
  });
  return (
    <FormDialog
      title={title}
      action={action}
      error={write.error}
      fields={["text"]}
      busy={write.isPending}
      onSubmit={() => write.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <TextAreaField
          label="Note"
          name="text"
          rows={6}
          required
          maxLength={10_000}
          hint="Seen by everybody who looks after this contact."
          value={draft}
          error={errors.text}
          onChange={(event) => setDraft(event.target.value)}
        />
      )}
    </FormDialog>
  );
}

export const NewNoteDialog = (props: DialogProps) => (
  <NoteForm
    {...props}
    title="New note"
    action="Add note"
    done="Note added."
    text=""
    save={(text) => addNote(props.contact.id, text)}
  />
);

/** Changes a note. It stands beside the timeline, not in it: the entry goes when somebody deletes the note meanwhile. */
export function EditNoteDialog({ note, ...props }: DialogProps & { note: Note }) {
  const [seen, setSeen] = useState(note.version);
  return (
    <NoteForm
      {...props}
      title="Edit note"
      action="Save"
      done="Note saved."
      text={note.text}
      save={(text) => changeNote({ id: note.id, version: seen }, text)}
      onOvertaken={async () => setSeen((await newestVersionOf(note.id, props.contact.id)) ?? seen)}
    />
  );
}

export function DeleteNote({ contact, note, onClose, onDone }: DialogProps & { note: Note }) {
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteNote(note),
    onSuccess: async () => {
      await refreshWork(client, contact.id);
      onClose();
      onDone("Note deleted.");
    },
    onError: () => refreshWork(client, contact.id),
  });
  return (
    <ConfirmDialog
      title="Delete this note?"
      action="Delete note"
      busy={remove.isPending}
      refusal={
        remove.isError &&
        (isProblem(remove.error, "version-conflict")
          ? "Its author changed it meanwhile. Close this and read it again."
          : explain(remove.error).message)
      }
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>Its words go for good, from the timeline of {contact.name} and everywhere else.</p>
    </ConfirmDialog>
  );
}
