import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { isProblem } from "@/shared/api/problem";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { createContact, refreshContacts, stagesQuery } from "./queries";

const FIELDS = ["name", "emails", "phones", "stage_id"] as const;

/** Adds somebody. Who has the address or number already is shown, and added only when that is meant. */
export function NewContactDialog({ onClose }: { onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const stages = useQuery(stagesQuery).data ?? [];
  const [draft, setDraft] = useState({ name: "", email: "", phone: "", stage: "" });
  const create = useMutation({
    mutationFn: (evenIfKnown: boolean) =>
      createContact({
        name: draft.name.trim(),
        emails: draft.email.trim() ? [draft.email.trim()] : [],
        phones: draft.phone.trim() ? [draft.phone.trim()] : [],
        stage_id: draft.stage || null,
        source: "Manual",
        even_if_known: evenIfKnown,
      }),
    onSuccess: async (contact) => {
      void refreshContacts(client, contact);
      onClose();
      await navigate(`/contacts/${contact.id}`);
    },
  });
  const known = isProblem(create.error, "person-known") ? create.error.body.person_id : undefined;
  const type = (field: keyof typeof draft) => ({
    name: field,
    value: draft[field],
    autoComplete: "off",
    onChange: ({ target: { value } }: { target: { value: string } }) => {
      setDraft((now) => ({ ...now, [field]: value }));
      if (known) create.reset();
    },
  });
  return (
    <FormDialog
      title="New contact"
      action="Add contact"
      error={known ? null : create.error}
      fields={FIELDS}
      busy={create.isPending}
      onSubmit={() => create.mutate(false)}
      onClose={onClose}
    >
      {(errors) => (
        <>
          {known && <Known id={known} onAnyway={() => create.mutate(true)} />}
          <Field label="Name" required maxLength={120} error={errors.name} {...type("name")} />
          <Field label="Email" type="email" error={errors.emails} hint="May stay empty." {...type("email")} />
          <Field label="Phone" type="tel" error={errors.phones} hint="May stay empty." {...type("phone")} />
          <SelectField label="Stage" error={errors.stage_id} {...type("stage")}>
            {stages.map(({ id, name }, index) => (
              <option key={id} value={index === 0 ? "" : id}>
                {name}
              </option>
            ))}
          </SelectField>
        </>
      )}
    </FormDialog>
  );
}

const Known = ({ id, onAnyway }: { id: string; onAnyway: () => void }) => (
  <Alert look="bad">
    <p>Somebody has this address or number already.</p>
    <p className="mt-1.5 flex flex-wrap gap-x-4 gap-y-1">
      <Link
        to={`/contacts/${id}`}
        className="inline-flex min-h-6 items-center font-medium underline underline-offset-4"
      >
        Open that contact
      </Link>
      <Button look="link" size="text" className="text-current" onClick={onAnyway}>
        Add another one anyway
      </Button>
    </p>
  </Alert>
);
