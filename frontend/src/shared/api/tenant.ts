import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { api, body } from "./client";

export const tenantQuery = queryOptions({
  queryKey: ["tenant"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/tenant", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The brokerage whose address this is; the root route has loaded it before any page renders. */
export const useTenant = () => useSuspenseQuery(tenantQuery).data;
