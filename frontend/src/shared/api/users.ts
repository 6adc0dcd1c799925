import { queryOptions } from "@tanstack/react-query";
import { api, body } from "./client";
import type { Role, UserChange } from "./types";

/** Whose listings and contacts there can be, as `listing.hold` and `person.hold` of the policy say. */
export const WORKING_ROLES: readonly Role[] = ["broker_owner", "office_manager", "agent"];

export const userQuery = (id: string) =>
  queryOptions({
    queryKey: ["users", "one", id],
    queryFn: ({ signal }) => body(api.GET("/api/v1/users/{user_id}", { params: { path: { user_id: id } }, signal })),
  });

/** Says which version a change was made on; the app refuses it when there is a newer one. */
export const ifMatch = (version: number) => ({ "If-Match": `"${version}"` });

export const changeUser = ({ id, version }: { id: string; version: number }, change: UserChange) =>
  body(
    api.PATCH("/api/v1/users/{user_id}", {
      params: { path: { user_id: id }, header: ifMatch(version) },
      body: change,
    }),
  );
