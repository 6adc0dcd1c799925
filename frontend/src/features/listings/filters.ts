/** What a search asks for, as the address bar holds it. Names and units are the API's own: whole currency units and sq ft. */
import type { PropertyQuery } from "@/shared/api/types";

export const SORTS = {
  "-modified": "Recently updated",
  list_price: "Price, low to high",
  "-list_price": "Price, high to low",
  "-area": "Largest first",
  area: "Smallest first",
} as const;
export type Sort = keyof typeof SORTS;
const DEFAULT_SORT: Sort = "-modified";

const NUMBERS = ["min_price", "max_price", "min_beds", "min_baths", "min_area", "max_area"] as const;
export type NumberFilter = (typeof NUMBERS)[number];

/** RESO PropertySubType values that a home search offers. */
export const TYPES = ["Single Family Residence", "Townhouse", "Condominium", "Duplex"] as const;

/** RESO StandardStatus values that a search offers; a link may hold the others. */
export const STATUSES = ["Active", "Coming Soon", "Active Under Contract", "Pending", "Closed"] as const;

const ALL_STATUSES = new Set<string>([...STATUSES, "Canceled", "Delete", "Expired", "Hold", "Incomplete", "Withdrawn"]);
const MOST: Partial<Record<NumberFilter, number>> = { min_beds: 50, min_baths: 50 };
const MAX_TEXT = 200;

export interface Filters extends Partial<Record<NumberFilter, number>> {
  q?: string;
  type: string[];
  status: string[];
  sort: Sort;
}

export const NO_FILTERS: Filters = { type: [], status: [], sort: DEFAULT_SORT };

/** Reads a query string; what it does not understand is left out, never passed on. */
export function parseFilters(search: URLSearchParams): Filters {
  const sort = search.get("sort") ?? "";
  const filters: Filters = {
    type: [...new Set(search.getAll("type").filter(Boolean))],
    status: [...new Set(search.getAll("status"))].filter((value) => ALL_STATUSES.has(value)),
    sort: Object.hasOwn(SORTS, sort) ? (sort as Sort) : DEFAULT_SORT,
  };
  const q = search.get("q")?.trim().slice(0, MAX_TEXT);
  if (q) filters.q = q;
  for (const name of NUMBERS) {
    const text = search.get(name);
    if (text !== null && /^\d{1,9}$/.test(text) && Number(text) > 0 && Number(text) <= (MOST[name] ?? 1e9))
      filters[name] = Number(text);
  }
  return filters;
}

/** The shortest query string that means these filters; equal filters give equal strings. */
export function toSearch(filters: Filters): URLSearchParams {
  const search = new URLSearchParams();
  if (filters.q) search.set("q", filters.q);
  for (const name of NUMBERS) if (filters[name] !== undefined) search.set(name, String(filters[name]));
  for (const value of filters.type) search.append("type", value);
  for (const value of filters.status) search.append("status", value);
  if (filters.sort !== DEFAULT_SORT) search.set("sort", filters.sort);
  return search;
}

export function toQuery(filters: Filters): PropertyQuery {
  return Object.fromEntries(
    Object.entries(filters).filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0)),
  ) as PropertyQuery;
}

/** How many filters narrow the search; the text and the order are not filters. */
export const countActive = (filters: Filters): number =>
  filters.type.length + filters.status.length + NUMBERS.filter((name) => filters[name] !== undefined).length;

/** Drops every filter but the text and the order. */
export const withoutFilters = ({ q, sort }: Filters): Filters => ({ ...NO_FILTERS, ...(q ? { q } : {}), sort });
