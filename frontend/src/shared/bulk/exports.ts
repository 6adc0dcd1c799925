/** Records on their way out. */
import { type QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import type { Subject } from "./subject";

export const FORMATS = { csv: "CSV", xlsx: "Excel", jsonl: "JSON lines" } as const;
export type Format = keyof typeof FORMATS;

interface Export {
  job: string;
  /** Handed to the browser already. */
  isSaved: boolean;
}

/** The newest export of this window; after a reload that of the person which is still under way. */
export const exportQuery = ({ exportJob: kind }: Subject, self: string) =>
  queryOptions({
    queryKey: ["exports", kind],
    queryFn: async ({ signal }): Promise<Export | null> => {
      const { items } = await body(api.GET("/api/v1/jobs", { params: { query: { kind, limit: 10 } }, signal }));
      const own = items.find(
        ({ actor_id, state }) => actor_id === self && (state === "waiting" || state === "running"),
      );
      return own ? { job: own.id, isSaved: false } : null;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });

export const setExport = (client: QueryClient, subject: Subject, found: Export | null) =>
  client.setQueryData(exportQuery(subject, "").queryKey, found);

/** `ask` begins one and tells its job; it is followed from then on. */
export function useBeginExport<Given>(subject: Subject, ask: (given: Given) => Promise<{ job_id: string }>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ask,
    onSuccess: ({ job_id: job }) => setExport(client, subject, { job, isSaved: false }),
  });
}
