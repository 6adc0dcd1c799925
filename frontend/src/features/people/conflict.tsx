import type { User, UserChange } from "@/shared/api/types";
import { words } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { differing } from "./edit";
import { usePlaces } from "./use-places";

interface ConflictProps {
  /** The version that the edit began with. */
  before: User;
  now: User;
  mine: UserChange;
}

/** Someone else saved first: what they changed, and what saving now would do to it. */
export function Conflict({ before, now, mine }: ConflictProps) {
  const { offices, teams } = usePlaces();
  const shown = {
    name: { field: "Name", value: now.name },
    role: { field: "Role", value: words(now.role) },
    office_id: { field: "Office", value: offices.find(({ id }) => id === now.office_id)?.name ?? "No office" },
    team_ids: {
      field: "Teams",
      value: teams.flatMap(({ id, name }) => (now.team_ids.includes(id) ? name : [])).join(", ") || "None",
    },
  };
  const theirs = differing(before, now);
  return (
    <Alert look="bad">
      <p className="font-medium">Someone else changed this person while you were editing. Nothing of yours is lost.</p>
      {theirs.length > 0 && (
        <ul className="mt-1.5 list-disc pl-4.5">
          {theirs.map((field) => (
            <li key={field}>
              {shown[field].field} is now “{shown[field].value}”
              {field in mine ? "; saving puts your value in its place." : "."}
            </li>
          ))}
        </ul>
      )}
      <p className="mt-1.5">Look through the values below and save again.</p>
    </Alert>
  );
}
