import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { type Filters, toQuery } from "./filters";

export const listingsQuery = (filters: Filters) =>
  infiniteQueryOptions({
    queryKey: ["listings", filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/properties", {
          params: { query: { ...toQuery(filters), limit: 24, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
  });

export const listingQuery = (id: string) =>
  queryOptions({
    queryKey: ["listing", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/properties/{property_id}", { params: { path: { property_id: id } }, signal })),
    staleTime: 60_000,
  });
