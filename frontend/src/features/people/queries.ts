import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { everyPage } from "@/shared/api/pages";
import type { UserInvitationInput } from "@/shared/api/types";
import { type PeopleFilters, toQuery } from "./filters";

export const usersQuery = (filters: PeopleFilters) =>
  infiniteQueryOptions({
    queryKey: ["users", "list", filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/users", {
          params: { query: { ...toQuery(filters), limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

/** Those that still wait for someone; the accepted ones are people now. */
export const invitationsQuery = queryOptions({
  queryKey: ["user-invitations"],
  queryFn: ({ signal }) =>
    everyPage((cursor) =>
      body(api.GET("/api/v1/user-invitations", { params: { query: { limit: 100, ...cursor } }, signal })),
    ),
  select: (invitations) => invitations.filter(({ state }) => state === "open" || state === "expired"),
});

export const invite = (invitation: UserInvitationInput) =>
  body(api.POST("/api/v1/user-invitations", { body: invitation }));

const byId = (id: string) => ({ params: { path: { invitation_id: id } } });

export const resend = (id: string) => body(api.POST("/api/v1/user-invitations/{invitation_id}/resend", byId(id)));

export const revoke = (id: string) => api.DELETE("/api/v1/user-invitations/{invitation_id}", byId(id));

export const userSessionsQuery = (id: string) =>
  queryOptions({
    queryKey: ["users", "sessions", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/users/{user_id}/sessions", { params: { path: { user_id: id } }, signal })),
  });

export const endUserSessions = (id: string) =>
  api.DELETE("/api/v1/users/{user_id}/sessions", { params: { path: { user_id: id } } });
