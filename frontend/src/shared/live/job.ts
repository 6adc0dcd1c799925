/** Jobs, as the API and the stream tell them: the newest of a kind, or a certain one. */
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { readAnew } from "./read-anew";
import type { Change } from "./stream";

export interface JobShown {
  state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
  done: number;
  total: number | null;
  message: string | null;
}

/** The key above those of all jobs. */
export const JOBS = ["jobs"] as const;

const jobKey = (kind: string) => [...JOBS, kind] as const;

export const jobQuery = (kind: string) =>
  queryOptions({
    queryKey: jobKey(kind),
    queryFn: async ({ signal }): Promise<JobShown | null> => {
      const { items } = await body(api.GET("/api/v1/jobs", { params: { query: { kind, limit: 1 } }, signal }));
      const [job] = items;
      return job ? { state: job.state, ...job.progress, message: job.message } : null;
    },
  });

export const isUnderWay = (job: JobShown | null | undefined): job is JobShown =>
  job?.state === "waiting" || job?.state === "running";

/** One job with what came of it, which only the API tells. */
export interface FollowedJob extends JobShown {
  /** The path of what was made. */
  result: string | null;
  error: { code: string; detail: string | null } | null;
}

export const oneJobQuery = (id: string) =>
  queryOptions({
    queryKey: [...JOBS, "one", id],
    queryFn: async ({ signal }): Promise<FollowedJob> => {
      const job = await body(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } }, signal }));
      return { state: job.state, ...job.progress, message: job.message, result: job.result, error: job.error };
    },
  });

/**
 * Shows what the stream told of a job. What came of one that has ended only the API tells: until it has, that job is
 * under way.
 */
export function hearOfJob(client: QueryClient, { ids: [id = ""], data }: Change): void {
  if (!data) return;
  const hasEnded = !["waiting", "running"].includes(String(data.state));
  const newest = jobKey(String(data.kind));
  void client.cancelQueries({ queryKey: newest }); // what is under way is older
  client.setQueryData(newest, data);
  const { queryKey } = oneJobQuery(id);
  client.setQueryData(queryKey, (known) => known && { ...known, ...data, ...(hasEnded && { state: known.state }) });
  if (hasEnded) readAnew(client, queryKey);
}
