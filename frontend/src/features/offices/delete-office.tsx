import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "react-router";
import { officesQuery, teamsQuery } from "@/shared/api/offices";
import { explain, isProblem } from "@/shared/api/problem";
import type { Office, Team } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { deleteOffice } from "./queries";

interface DeleteOfficeProps {
  office: Office;
  teams: Team[];
  onClose: () => void;
  onDone: (words: string) => void;
}

export function DeleteOffice({ office, teams, onClose, onDone }: DeleteOfficeProps) {
  const client = useQueryClient();
  const refresh = () =>
    Promise.all([officesQuery, teamsQuery].map(({ queryKey }) => client.invalidateQueries({ queryKey })));
  const remove = useMutation({
    mutationFn: () => deleteOffice(office),
    onSuccess: async () => {
      await refresh();
      onClose();
      onDone(`${office.name} is deleted.`);
    },
    onError: refresh,
  });
  return (
    <ConfirmDialog
      title={`Delete ${office.name}?`}
      action="Delete office"
      busy={remove.isPending}
      refusal={remove.isError && <Refusal error={remove.error} office={office} teams={teams} />}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      <p>
        The office goes for good. Listings keep its name. It can only go once it has no active people, teams and open
        invitations.
      </p>
    </ConfirmDialog>
  );
}

function Refusal({ error, office, teams }: { error: Error; office: Office; teams: Team[] }) {
  if (isProblem(error, "version-conflict"))
    return <>Someone else changed the office meanwhile. Close this and look at it again.</>;
  if (!isProblem(error, "office-in-use")) return <>{explain(error).message}</>;
  return (
    <>
      <p className="font-medium">{office.name} is in use.</p>
      <ul className="mt-1 list-disc pl-4.5">
        {office.user_count > 0 && (
          <li>
            {plural(office.user_count, "person belongs", "people belong")} to it: move them to another office or
            deactivate them.{" "}
            <Link to={`/people?office=${office.id}`} className="font-medium underline underline-offset-4">
              Show them
            </Link>
          </li>
        )}
        {office.user_count === 0 && teams.length === 0 && (
          <li>
            An open invitation leads to it: revoke it first.{" "}
            <Link to="/people" className="font-medium underline underline-offset-4">
              Show invitations
            </Link>
          </li>
        )}
        {teams.length > 0 && <li>{plural(teams.length, "team belongs", "teams belong")} to it: delete them first.</li>}
      </ul>
    </>
  );
}
