import { api, body } from "@/shared/api/client";
import type { Format } from "@/shared/bulk/exports";
import { type MineFilters, toMineQuery } from "../mine-filters";

/** All of one's own listings that these filters find. */
export const beginExport = ({ format, filters }: { format: Format; filters: MineFilters }) =>
  body(api.POST("/api/v1/property-exports", { params: { query: { ...toMineQuery(filters), format } } }));
