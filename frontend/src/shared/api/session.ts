import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { api, body } from "./client";

export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/session", { signal })),
  staleTime: 60_000,
  retry: false,
});

/** Who is signed in; the signed-in layout has loaded it before any of its pages renders. */
export const useSession = () => useSuspenseQuery(sessionQuery).data;

export const signOut = () => api.POST("/auth/logout");
