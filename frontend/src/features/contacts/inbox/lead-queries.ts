/** Leads: what people ask for, and who looks after them. */
import { infiniteQueryOptions, keepPreviousData } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { isStatus } from "@/shared/api/problem";
import type { Lead, LeadQuery } from "@/shared/api/types";

export const OWNERS = { all: "All in view", mine: "Mine", unassigned: "Nobody’s yet" } as const;
export const STATES = { any: "In any state", new: "New", assigned: "Assigned", responded: "Responded" } as const;

export interface LeadFilters {
  owner: keyof typeof OWNERS;
  state: keyof typeof STATES;
}

const oneOf = <Known extends object>(known: Known, value: string | null, other: keyof Known): keyof Known =>
  value !== null && value in known ? (value as keyof Known) : other;

/** Reads a query string; what it does not understand is left out. */
export const parseLeadFilters = (search: URLSearchParams): LeadFilters => ({
  owner: oneOf(OWNERS, search.get("owner"), "all"),
  state: oneOf(STATES, search.get("state"), "any"),
});

const toQuery = ({ owner, state }: LeadFilters): LeadQuery => ({ owner, ...(state !== "any" && { state }) });

export const leadsQuery = (filters: LeadFilters) =>
  infiniteQueryOptions({
    queryKey: ["leads", "list", filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/leads", {
          params: { query: { ...toQuery(filters), limit: 24, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

const path = (id: string) => ({ params: { path: { lead_id: id } } });

export const claimLead = (id: string) => body(api.POST("/api/v1/leads/{lead_id}/claim", path(id)));

/** Who was quicker. A lead that one may no longer see, as an agent mostly, tells nobody. */
export async function winnerOf(id: string): Promise<Lead["assigned_to"]> {
  try {
    return (await body(api.GET("/api/v1/leads/{lead_id}", path(id)))).assigned_to;
  } catch (error) {
    if (isStatus(error, 403, 404)) return null;
    throw error;
  }
}
