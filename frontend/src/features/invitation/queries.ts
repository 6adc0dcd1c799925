import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { isStatus } from "@/shared/api/problem";

/** A link is good once, so it is never asked about again behind the person's back. */
export const invitationQuery = (token: string) =>
  queryOptions({
    queryKey: ["invitation", token],
    queryFn: ({ signal }) => body(api.GET("/api/v1/invitations/{token}", { params: { path: { token } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
    retry: (failures, error) => failures < 2 && !isStatus(error, 404, 410),
  });
