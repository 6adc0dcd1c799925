import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { type Box, overlap, writeBox } from "./area";
import { type Filters, toQuery } from "./filters";
import { type MineFilters, toMineQuery } from "./mine-filters";

const FRESH = 60_000;

/** Facets come with the first page; the pages after it are of the same search. */
export const listingsQuery = (filters: Filters) =>
  infiniteQueryOptions({
    queryKey: ["listings", filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/properties", {
          params: {
            query: { ...toQuery(filters), limit: 24, ...(pageParam ? { cursor: pageParam } : { facets: true }) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: FRESH,
  });

export const listingQuery = (id: string) =>
  queryOptions({
    queryKey: ["listing", id],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/properties/{property_id}", { params: { path: { property_id: id } }, signal })),
    staleTime: FRESH,
  });

/** Above all keys of what the reader may edit. */
export const MINE = ["my-listings"];

/** What the reader may edit, drafts among it; from the database, so that a save shows at once. */
export const mineQuery = (filters: MineFilters) =>
  infiniteQueryOptions({
    queryKey: [...MINE, filters],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/properties", {
          params: {
            query: { mine: true, ...toMineQuery(filters), limit: 48, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const historyQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: ["history", id],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET("/api/v1/properties/{property_id}/history", {
          params: { path: { property_id: id }, query: { limit: 50, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    staleTime: FRESH,
  });

export const WORLD: Box = { west: -180, south: -85, east: 180, north: 85 };

/**
 * Clusters and pins of a search within a frame of the map, which lies inside the search's own frame if it has one.
 * What was there stays until the answer has come.
 */
export function mapQuery({ sort: _, ...filters }: Filters, frame: Box, zoom: number) {
  const box = filters.area?.kind === "box" ? overlap(filters.area, frame) : frame;
  const query = {
    ...toQuery(filters),
    bbox: writeBox(box ?? frame),
    zoom: Math.max(0, Math.min(22, Math.floor(zoom))),
  };
  return queryOptions({
    queryKey: ["map", query],
    queryFn: ({ signal }) => body(api.GET("/api/v1/properties/map", { params: { query }, signal })),
    enabled: box !== undefined,
    placeholderData: keepPreviousData,
    staleTime: FRESH,
  });
}

export const MIN_SUGGESTED = 2;

/** While a word is being finished, or taken back, what was found for the shorter or longer one stays. */
export const suggestionsQuery = (q: string) =>
  queryOptions({
    queryKey: ["suggestions", q],
    queryFn: ({ signal }) =>
      body(api.GET("/api/v1/properties/suggestions", { params: { query: { q, limit: 8 } }, signal })),
    enabled: q.length >= MIN_SUGGESTED,
    placeholderData: (before, query) => {
      const asked = String(query?.queryKey[1] ?? "");
      return asked !== "" && (q.startsWith(asked) || asked.startsWith(q)) ? before : undefined;
    },
    staleTime: FRESH,
    retry: false,
  });
