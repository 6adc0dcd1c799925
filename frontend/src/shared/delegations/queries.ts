import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { everyPage } from "@/shared/api/pages";
import type { DelegationInput } from "@/shared/api/types";

/** What holds now of what a person gave or took. */
export const delegationsQuery = (id: string) =>
  queryOptions({
    queryKey: ["delegations", id],
    queryFn: ({ signal }) =>
      everyPage((cursor) =>
        body(api.GET("/api/v1/delegations", { params: { query: { user_id: id, limit: 100, ...cursor } }, signal })),
      ),
  });

/** To whom work can be delegated. */
export const coordinatorsQuery = queryOptions({
  queryKey: ["users", "coordinators"],
  queryFn: ({ signal }) =>
    everyPage((cursor) =>
      body(
        api.GET("/api/v1/users", {
          params: { query: { role: "coordinator", state: "active", limit: 100, ...cursor } },
          signal,
        }),
      ),
    ),
});

export const delegate = (delegation: DelegationInput) => body(api.POST("/api/v1/delegations", { body: delegation }));

export const endDelegation = (id: string) =>
  api.DELETE("/api/v1/delegations/{delegation_id}", { params: { path: { delegation_id: id } } });
