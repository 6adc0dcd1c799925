import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";

const WHILE_IMPORTING = 2_000;
const WHEN_QUIET = 30_000;

/** Asked again soon while something is being imported. */
export const feedsQuery = queryOptions({
  queryKey: ["feeds"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/feeds", { signal })),
  refetchInterval: ({ state }) =>
    state.data?.items.some((feed) => feed.state === "importing") ? WHILE_IMPORTING : WHEN_QUIET,
});

/** `rejected` is part of the key: when a feed has refused more records, the list is read anew. */
export const rejectionsQuery = (name: string, rejected: number) =>
  infiniteQueryOptions({
    queryKey: ["feeds", name, "rejections", rejected],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/feeds/{name}/rejections", {
          params: { path: { name }, query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
