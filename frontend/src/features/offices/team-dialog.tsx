import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { teamsQuery } from "@/shared/api/offices";
import { isProblem } from "@/shared/api/problem";
import type { Office, Team } from "@/shared/api/types";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { changeTeam, createTeam } from "./queries";

interface TeamDialogProps {
  office: Office;
  /** Left out for a new one. */
  team?: Team;
  onClose: () => void;
  onDone: (words: string) => void;
}

export function TeamDialog({ office, team, onClose, onDone }: TeamDialogProps) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: teamsQuery.queryKey });
  const [name, setName] = useState(team?.name ?? "");
  const save = useMutation({
    mutationFn: () =>
      team ? changeTeam(team, { name: name.trim() }) : createTeam({ name: name.trim(), office_id: office.id }),
    onSuccess: async (saved) => {
      await refresh();
      onClose();
      onDone(
        team ? `The team is called ${saved.name} now.` : `Team ${saved.name} is made. People join it on their page.`,
      );
    },
    onError: (error) => isProblem(error, "version-conflict") && refresh(),
  });
  return (
    <FormDialog
      title={team ? `Rename ${team.name}` : `New team in ${office.name}`}
      action={team ? "Rename" : "Make team"}
      error={save.error}
      fields={["name"]}
      codes={{ "name-taken": "name" }}
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
          maxLength={100}
          value={name}
          error={errors.name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
    </FormDialog>
  );
}
