import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";

export const sessionsQuery = queryOptions({
  queryKey: ["sessions"],
  queryFn: ({ signal }) => body(api.GET("/api/v1/sessions", { signal })),
});

export const endSession = (id: string) =>
  api.DELETE("/api/v1/sessions/{session_id}", { params: { path: { session_id: id } } });

export const endOtherSessions = () => api.DELETE("/api/v1/sessions");
