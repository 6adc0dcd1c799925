import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { api, body } from "./client";
import type { Session } from "./types";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/session", { signal })),
  staleTime: 60_000,
  retry: false,
});

/** Who is signed in; the signed-in layout has loaded it before any of its pages renders. */
export const useSession = () => useSuspenseQuery(sessionQuery).data;

/** What the app lets the person do; the app itself decides at each request. */
export type Right = Session["can"][number];

export const useCan = (right: Right): boolean => useSession().can.includes(right);

export const signOut = () => api.POST("/auth/logout");
