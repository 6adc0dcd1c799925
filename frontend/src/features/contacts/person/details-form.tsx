import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fieldErrors, isPlaced } from "@/shared/api/field-errors";
import { explain, isProblem } from "@/shared/api/problem";
import type { Contact } from "@/shared/api/types";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { TextAreaField } from "@/shared/ui/text-area-field";
import { changeContact, contactQuery, refreshContacts } from "../queries";
import { Conflict } from "./conflict";
import { changeOf, differing, type Edit, FIELDS, TITLES, typedOf } from "./edit";

/**
 * Name, addresses, numbers, tags and source. Only what was touched is sent. When someone else was quicker, which saving
 * or a look at the newest version tells, their values come in, what was touched here stays, and saving is a decision.
 */
function useDetails(contact: Contact, onSaved: () => void) {
  const client = useQueryClient();
  const [before] = useState(contact);
  const [edit, setEdit] = useState<Edit>({});
  const change = changeOf(contact, edit);
  const save = useMutation({
    mutationFn: () => changeContact(contact, change),
    onSuccess: (saved) => {
      void refreshContacts(client, saved);
      onSaved();
    },
    onError: (error) =>
      isProblem(error, "version-conflict") && client.invalidateQueries({ queryKey: contactQuery(contact.id).queryKey }),
  });
  const refused = isProblem(save.error, "version-conflict") ? save.error : undefined;
  const isOvertaken = refused !== undefined || differing(before, contact).length > 0;
  return {
    change,
    save,
    overtaken: isOvertaken ? { before, who: refused?.body.changed_by } : undefined,
    isDirty: Object.keys(change).length > 0,
    value: { ...typedOf(contact), ...edit },
    touch: (next: Edit) => setEdit((now) => ({ ...now, ...next })),
  };
}

interface DetailsFormProps {
  contact: Contact;
  onSaved: () => void;
  onCancel: () => void;
}

export function DetailsForm({ contact, onSaved, onCancel }: DetailsFormProps) {
  const { change, overtaken, save, isDirty, value, touch } = useDetails(contact, onSaved);
  const form = useFormFocus(save.error, { opened: true });
  const errors = fieldErrors(save.error, FIELDS);
  const type = (field: (typeof FIELDS)[number]) => ({
    label: TITLES[field],
    name: field,
    autoComplete: "off",
    value: value[field],
    error: errors[field],
    onChange: ({ target }: { target: { value: string } }) => touch({ [field]: target.value }),
  });
  return (
    <form
      ref={form}
      className="grid gap-4.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (isDirty && !save.isPending) save.mutate();
      }}
    >
      {overtaken && isDirty ? (
        <Conflict {...overtaken} now={contact} mine={change} />
      ) : (
        save.isError && (
          <Alert look="bad">
            {isPlaced(errors) ? "Please correct what is marked below." : explain(save.error).message}
          </Alert>
        )
      )}
      <Field required maxLength={120} {...type("name")} />
      <TextAreaField rows={2} hint="One on each line, the main one first." {...type("emails")} />
      <TextAreaField rows={2} hint="One on each line, the main one first." {...type("phones")} />
      <TextAreaField rows={2} hint="One on each line." {...type("tags")} />
      <Field required maxLength={60} hint="Where the contact came from." {...type("source")} />
      <div className="flex flex-wrap items-center gap-3">
        <Button type="submit" busy={save.isPending} aria-disabled={save.isPending || !isDirty || undefined}>
          {overtaken ? "Save my changes" : "Save"}
        </Button>
        <Button look="quiet" onClick={onCancel}>
          {isDirty ? "Discard changes" : "Cancel"}
        </Button>
      </div>
    </form>
  );
}
