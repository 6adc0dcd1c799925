/** Who can be a listing's agent, and what people are called. */
import { queryOptions, useQuery } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { useSession } from "@/shared/api/session";
import { WORKING_ROLES } from "@/shared/api/users";
import { useDraftState } from "./use-draft";

const usersQuery = queryOptions({
  queryKey: ["users", "listing-agents"],
  queryFn: ({ signal }) =>
    body(api.GET("/api/v1/users", { params: { query: { state: "active", limit: 100 } }, signal })),
  staleTime: 60_000,
});

interface Agent {
  id: string;
  name: string;
}

/** An agent's listings are the agent's own: there is nothing to choose, and nobody else to know of. */
export function useAgents(): { agents: Agent[]; canChoose: boolean } {
  const { user } = useSession();
  const { base } = useDraftState();
  const canChoose = user.role !== "agent";
  const { data } = useQuery({ ...usersQuery, enabled: canChoose });
  const able = (data?.items ?? []).filter(
    ({ role, office_id: office }) =>
      WORKING_ROLES.includes(role) && (user.role !== "office_manager" || office === user.office_id),
  );
  const present = { id: base.list_agent_id ?? "", name: base.list_agent_full_name ?? "Unknown" };
  const known = new Map([present, { id: user.id, name: user.name }, ...able].map(({ id, name }) => [id, name]));
  known.delete("");
  return { agents: [...known].map(([id, name]) => ({ id, name })), canChoose };
}
