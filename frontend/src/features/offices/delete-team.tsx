import { useMutation, useQueryClient } from "@tanstack/react-query";
import { teamsQuery } from "@/shared/api/offices";
import { explain, isProblem } from "@/shared/api/problem";
import type { Team } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { deleteTeam } from "./queries";

interface DeleteTeamProps {
  team: Team;
  onClose: () => void;
  onDone: (words: string) => void;
}

export function DeleteTeam({ team, onClose, onDone }: DeleteTeamProps) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: teamsQuery.queryKey });
  const remove = useMutation({
    mutationFn: () => deleteTeam(team),
    onSuccess: async () => {
      await refresh();
      void client.invalidateQueries({ queryKey: ["users"] });
      onClose();
      onDone(`Team ${team.name} is deleted.`);
    },
    onError: refresh,
  });
  return (
    <ConfirmDialog
      title={`Delete team ${team.name}?`}
      action="Delete team"
      busy={remove.isPending}
      refusal={
        remove.isError &&
        (isProblem(remove.error, "version-conflict")
          ? "Someone else changed the team meanwhile. Close this and look at it again."
          : explain(remove.error).message)
      }
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        {team.member_count === 0
          ? "Nobody is in it."
          : `${plural(team.member_count, "person stays", "people stay")} in the office, without this team.`}
      </p>
    </ConfirmDialog>
  );
}
