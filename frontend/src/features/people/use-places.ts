import { useQuery } from "@tanstack/react-query";
import { officesQuery, teamsQuery } from "@/shared/api/offices";
import type { User } from "@/shared/api/types";

/** Names the office and the teams that someone belongs to, as far as they are known yet. */
export function usePlaces() {
  const offices = useQuery(officesQuery).data ?? [];
  const teams = useQuery(teamsQuery).data ?? [];
  return {
    offices,
    teams,
    placeOf: ({ office_id, team_ids }: Pick<User, "office_id" | "team_ids">): string =>
      [offices.find(({ id }) => id === office_id), ...teams.filter(({ id }) => team_ids.includes(id))]
        .flatMap((place) => place?.name ?? [])
        .join(" · "),
  };
}
