/** Contacts on their way out. */
import { type QueryClient, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { type ContactFilters, toQuery } from "./filters";

export const FORMATS = { csv: "CSV", xlsx: "Excel", jsonl: "JSON lines" } as const;
export type Format = keyof typeof FORMATS;

interface Export {
  job: string;
  /** Handed to the browser already. */
  isSaved: boolean;
}

/** The newest export of this window; after a reload that of the person which is still under way. */
export const exportQuery = (self: string) =>
  queryOptions({
    queryKey: ["exports"],
    queryFn: async ({ signal }): Promise<Export | null> => {
      const query = { kind: "crm.export_people", limit: 10 };
      const { items } = await body(api.GET("/api/v1/jobs", { params: { query }, signal }));
      const own = items.find(
        ({ actor_id, state }) => actor_id === self && (state === "waiting" || state === "running"),
      );
      return own ? { job: own.id, isSaved: false } : null;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
  });

export const setExport = (client: QueryClient, found: Export | null) =>
  client.setQueryData(exportQuery("").queryKey, found);

/** All that these filters find, whatever its order. */
export function beginExport({ format, filters }: { format: Format; filters: ContactFilters }) {
  const { sort: _, ...wanted } = toQuery(filters);
  return body(api.POST("/api/v1/people-exports", { params: { query: { ...wanted, format } } }));
}
