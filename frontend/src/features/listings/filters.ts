/** What a search asks for, as the address bar holds it. Names and units are the API's own: whole currency units and sq ft. */
import type { PropertyQuery } from "@/shared/api/types";
import { type Area, areaParameters, parseArea } from "./area";

export const SORTS = {
  relevance: "Best match",
  distance: "Nearest first",
  "-modified": "Recently updated",
  list_price: "Price, low to high",
  "-list_price": "Price, high to low",
  "-area": "Largest first",
  area: "Smallest first",
  "-year": "Newest built first",
  year: "Oldest built first",
} as const;
export type Sort = keyof typeof SORTS;

const NUMBERS = [
  "min_price",
  "max_price",
  "min_beds",
  "max_beds",
  "min_baths",
  "min_area",
  "max_area",
  "min_year",
  "max_year",
] as const;
export type NumberFilter = (typeof NUMBERS)[number];

export const LISTS = ["status", "type", "city", "subdivision", "postal_code"] as const;
export type ListFilter = (typeof LISTS)[number];

/** RESO PropertySubType values that a home search offers. */
export const TYPES = ["Single Family Residence", "Townhouse", "Condominium", "Duplex"] as const;

/** RESO StandardStatus values that a search offers; a link may hold the others. */
export const STATUSES = ["Active", "Coming Soon", "Active Under Contract", "Pending", "Closed"] as const;

const ALL_STATUSES = new Set<string>([...STATUSES, "Canceled", "Delete", "Expired", "Hold", "Incomplete", "Withdrawn"]);
const MOST: Partial<Record<NumberFilter, number>> = {
  min_beds: 50,
  max_beds: 50,
  min_baths: 50,
  min_year: 2100,
  max_year: 2100,
};
const MAX_TEXT = 200;
const MAX_VALUES = 20;
const MAX_VALUE = 100;

export interface Filters extends Partial<Record<NumberFilter, number>>, Record<ListFilter, string[]> {
  q?: string;
  area?: Area;
  /** Left out where it is the search's own: the best match for words, otherwise what was updated last. */
  sort?: Sort;
}

export const NO_FILTERS: Filters = { status: [], type: [], city: [], subdivision: [], postal_code: [] };

const defaultSort = ({ q }: Filters): Sort => (q ? "relevance" : "-modified");
export const sortOf = (filters: Filters): Sort => filters.sort ?? defaultSort(filters);

/** The orders that make sense for this search, the search's own among them. */
export const sortsFor = ({ q, area }: Filters): Sort[] =>
  (Object.keys(SORTS) as Sort[]).filter(
    (sort) => (sort !== "relevance" || q !== undefined) && (sort !== "distance" || area?.kind === "circle"),
  );

function parseList(search: URLSearchParams, name: ListFilter): string[] {
  const values = [...new Set(search.getAll(name).map((value) => value.trim()))];
  const known = name === "status" ? values.filter((value) => ALL_STATUSES.has(value)) : values;
  return known.filter((value) => value !== "" && value.length <= MAX_VALUE).slice(0, MAX_VALUES);
}

/** Reads a query string; what it does not understand is left out, never passed on. */
export function parseFilters(search: URLSearchParams): Filters {
  const filters: Filters = { ...NO_FILTERS };
  for (const name of LISTS) filters[name] = parseList(search, name);
  const q = search.get("q")?.trim().slice(0, MAX_TEXT);
  if (q) filters.q = q;
  for (const name of NUMBERS) {
    const text = search.get(name);
    if (text !== null && /^\d{1,9}$/.test(text) && Number(text) > 0 && Number(text) <= (MOST[name] ?? 1e9))
      filters[name] = Number(text);
  }
  const area = parseArea(search);
  if (area) filters.area = area;
  const sort = search.get("sort") as Sort | null;
  if (sort && sortsFor(filters).includes(sort) && sort !== defaultSort(filters)) filters.sort = sort;
  return filters;
}

/** The shortest query string that means these filters; equal filters give equal strings. */
export function toSearch(filters: Filters): URLSearchParams {
  const search = new URLSearchParams();
  if (filters.q) search.set("q", filters.q);
  for (const name of NUMBERS) if (filters[name] !== undefined) search.set(name, String(filters[name]));
  for (const name of LISTS) for (const value of filters[name]) search.append(name, value);
  for (const [name, value] of Object.entries(areaParameters(filters.area))) search.set(name, String(value));
  if (sortsFor(filters).includes(sortOf(filters)) && sortOf(filters) !== defaultSort(filters))
    search.set("sort", sortOf(filters));
  return search;
}

/** One way to write each search, so that it is asked for and kept once. */
export const canonical = (filters: Filters): Filters => parseFilters(toSearch(filters));

export function toQuery({ area, ...filters }: Filters): PropertyQuery {
  const set = Object.entries(filters).filter(
    ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
  );
  return { ...Object.fromEntries(set), ...areaParameters(area) };
}

/** How many filters narrow the search; the text and the order are not filters. */
export const countActive = (filters: Filters): number =>
  LISTS.reduce((sum, name) => sum + filters[name].length, 0) +
  NUMBERS.filter((name) => filters[name] !== undefined).length +
  (filters.area ? 1 : 0);

/** Drops every filter but the text and the order. */
export const withoutFilters = ({ q, sort }: Filters): Filters => ({
  ...NO_FILTERS,
  ...(q ? { q } : {}),
  ...(sort ? { sort } : {}),
});

const GROUPS: Partial<Record<keyof Filters, (keyof Filters)[]>> = {
  min_price: ["min_price", "max_price"],
  min_beds: ["min_beds", "max_beds"],
  min_area: ["min_area", "max_area"],
  min_year: ["min_year", "max_year"],
};

/** Takes one filter off, both ends of a range together. */
export function without(filters: Filters, name: keyof Filters): Filters {
  const left = { ...filters };
  for (const each of GROUPS[name] ?? [name]) {
    if (LISTS.includes(each as ListFilter)) left[each as ListFilter] = [];
    else delete left[each as Exclude<keyof Filters, ListFilter>];
  }
  return left;
}
