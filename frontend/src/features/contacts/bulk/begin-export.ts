import { api, body } from "@/shared/api/client";
import type { Format } from "@/shared/bulk/exports";
import { type ContactFilters, toQuery } from "../filters";

/** All that these filters find, whatever its order. */
export function beginExport({ format, filters }: { format: Format; filters: ContactFilters }) {
  const { sort: _, ...wanted } = toQuery(filters);
  return body(api.POST("/api/v1/people-exports", { params: { query: { ...wanted, format } } }));
}
