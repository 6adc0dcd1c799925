/** The newest job of a kind, as the API and the stream tell it. */
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";

export interface JobShown {
  state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
  done: number;
  total: number | null;
  message: string | null;
}

export const jobKey = (kind: string) => ["jobs", kind] as const;

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
