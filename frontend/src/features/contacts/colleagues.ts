/** Who can look after contacts, as far as this reader may choose among them; the app decides. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { everyPage } from "@/shared/api/pages";
import { useSession } from "@/shared/api/session";
import type { Session, User } from "@/shared/api/types";
import { WORKING_ROLES } from "@/shared/api/users";

const colleaguesQuery = queryOptions({
  queryKey: ["users", "colleagues"],
  queryFn: ({ signal }) =>
    everyPage((cursor) =>
      body(api.GET("/api/v1/users", { params: { query: { state: "active", limit: 100, ...cursor } }, signal })),
    ),
  staleTime: 60_000,
});

/** Owners choose among all, managers within their office, agents among their teams. */
function isInReach(self: Session["user"], user: User): boolean {
  if (self.role === "broker_owner" || user.id === self.id) return true;
  if (self.role === "office_manager") return self.office_id !== null && user.office_id === self.office_id;
  return user.team_ids.some((id) => self.team_ids.includes(id));
}

/** Oneself first, then by name. */
export function useColleagues(): User[] {
  const { user: self } = useSession();
  const users = useQuery(colleaguesQuery).data ?? [];
  const found = users.filter((user) => WORKING_ROLES.includes(user.role) && isInReach(self, user));
  return found.toSorted((one, other) => Number(other.id === self.id) - Number(one.id === self.id));
}
