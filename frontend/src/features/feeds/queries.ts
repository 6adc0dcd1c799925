import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";

const WHILE_RUNNING = 2_000;
const WHEN_QUIET = 30_000;

/** Asked again soon while something is being imported. */
export const feedsQuery = queryOptions({
  queryKey: ["feeds"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/feeds", { signal })),
  refetchInterval: ({ state }) =>
    state.data?.items.some((feed) => feed.state === "importing") ? WHILE_RUNNING : WHEN_QUIET,
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

/** Follows a run until both the feed and the history say that it has ended. */
export const runsQuery = (name: string, isImporting: boolean) =>
  infiniteQueryOptions({
    queryKey: ["feeds", name, "runs"],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/feeds/{name}/runs", {
          params: { path: { name }, query: { limit: 8, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    refetchInterval: ({ state }) =>
      isImporting || state.data?.pages.some(({ items }) => items.some((run) => run.state === "running"))
        ? WHILE_RUNNING
        : WHEN_QUIET,
  });

export const startRun = (name: string) => body(api.POST("/api/v1/feeds/{name}/runs", { params: { path: { name } } }));

export const searchQuery = queryOptions({
  queryKey: ["search"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/search/status", { signal })),
  refetchInterval: ({ state }) => (state.data?.state === "rebuilding" ? WHILE_RUNNING : WHEN_QUIET),
});

export const startRebuild = () => body(api.POST("/api/v1/search/rebuilds"));
