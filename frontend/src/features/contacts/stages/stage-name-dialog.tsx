import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import type { Stage } from "@/shared/api/types";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { refreshContacts, stagesQuery } from "../queries";
import { createStage, renameStage } from "./stage-queries";

interface StageNameDialogProps {
  /** Left out for a new one. */
  stage?: Stage;
  onClose: () => void;
  onDone: (words: string) => void;
}

export function StageNameDialog({ stage, onClose, onDone }: StageNameDialogProps) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: stagesQuery.queryKey });
  const [name, setName] = useState(stage?.name ?? "");
  const save = useMutation({
    mutationFn: () => (stage ? renameStage(stage, name.trim()) : createStage(name.trim())),
    onSuccess: async (saved) => {
      await refresh();
      void refreshContacts(client);
      onClose();
      onDone(stage ? `The stage is called ${saved.name} now.` : `${saved.name} is added at the end.`);
    },
    onError: (error) => isProblem(error, "version-conflict") && refresh(),
  });
  return (
    <FormDialog
      title={stage ? `Rename ${stage.name}` : "New stage"}
      action={stage ? "Rename" : "Add stage"}
      error={save.error}
      fields={["name"]}
      codes={{ "stage-name-taken": "name" }}
      busy={save.isPending}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <Field
          label="Name"
          name="name"
          autoComplete="off"
          required
          maxLength={120}
          value={name}
          error={errors.name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
    </FormDialog>
  );
}
