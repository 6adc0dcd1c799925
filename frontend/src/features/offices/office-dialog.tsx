import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { officesQuery } from "@/shared/api/offices";
import { isProblem } from "@/shared/api/problem";
import type { Office } from "@/shared/api/types";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { changeOffice, createOffice } from "./queries";

interface OfficeDialogProps {
  /** Left out for a new one. */
  office?: Office;
  onClose: () => void;
  onDone: (words: string) => void;
}

const FIELDS = ["name", "phone", "address"] as const;

export function OfficeDialog({ office, onClose, onDone }: OfficeDialogProps) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: officesQuery.queryKey });
  const [draft, setDraft] = useState({
    name: office?.name ?? "",
    phone: office?.phone ?? "",
    address: office?.address ?? "",
  });
  const save = useMutation({
    mutationFn: () => {
      const given = {
        name: draft.name.trim(),
        phone: draft.phone.trim() || null,
        address: draft.address.trim() || null,
      };
      return office ? changeOffice(office, given) : createOffice(given);
    },
    onSuccess: async ({ name }) => {
      await refresh();
      onClose();
      onDone(office ? `${name} is saved.` : `${name} is made. Add its people and teams now.`);
    },
    onError: (error) => isProblem(error, "version-conflict") && refresh(),
  });
  const type = (field: (typeof FIELDS)[number]) => ({
    name: field,
    value: draft[field],
    autoComplete: "off",
    onChange: (event: React.ChangeEvent<HTMLInputElement>) => {
      const { value } = event.target;
      setDraft((now) => ({ ...now, [field]: value }));
    },
  });
  return (
    <FormDialog
      title={office ? `Edit ${office.name}` : "New office"}
      action={office ? "Save" : "Make office"}
      error={save.error}
      fields={FIELDS}
      codes={{ "name-taken": "name" }}
      busy={save.isPending}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Field label="Name" required maxLength={100} error={errors.name} {...type("name")} />
          <Field label="Address" error={errors.address} hint="May stay empty." {...type("address")} />
          <Field label="Phone" type="tel" error={errors.phone} hint="May stay empty." {...type("phone")} />
        </>
      )}
    </FormDialog>
  );
}
