import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isProblem } from "@/shared/api/problem";
import type { Stage } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { refreshContacts, stagesQuery } from "../queries";
import { removeStage } from "./stage-queries";

interface RemoveStageProps {
  stage: Stage;
  stages: Stage[];
  onClose: () => void;
  onDone: (words: string) => void;
}

function reason(error: Error): string {
  if (isProblem(error, "version-conflict")) return "Someone else changed this stage meanwhile. Decide again.";
  if (isProblem(error, "stage-in-use"))
    return `${plural(error.body.people ?? 1, "contact is", "contacts are")} in it by now: say where they go.`;
  return explain(error).message;
}

/** Removes a stage, together with where its contacts go. */
export function RemoveStage({ stage, stages, onClose, onDone }: RemoveStageProps) {
  const client = useQueryClient();
  const others = stages.filter(({ id }) => id !== stage.id);
  const [target, setTarget] = useState(others[0]?.id ?? "");
  const remove = useMutation({
    mutationFn: () => removeStage(stage, stage.people > 0 ? target : undefined),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: stagesQuery.queryKey });
      void refreshContacts(client);
      onClose();
      onDone(`${stage.name} is removed.`);
    },
    onError: () => client.invalidateQueries({ queryKey: stagesQuery.queryKey }),
  });
  return (
    <ConfirmDialog
      title={`Remove ${stage.name}?`}
      action="Remove stage"
      busy={remove.isPending}
      refusal={remove.isError && reason(remove.error)}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>The stage goes for good. Histories keep its name.</p>
      {stage.people > 0 && (
        <SelectField
          label={`Where ${plural(stage.people, "contact goes", "contacts go")}`}
          value={target}
          onChange={(event) => setTarget(event.target.value)}
        >
          {others.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </SelectField>
      )}
    </ConfirmDialog>
  );
}
