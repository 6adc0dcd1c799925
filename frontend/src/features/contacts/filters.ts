/** Which contacts are looked for, as the address bar holds it; the list and the board share it. */
import type { ContactQuery } from "@/shared/api/types";

export const SORTS = {
  "-last_activity_at": "Last activity",
  last_activity_at: "Longest without activity",
  "-created_at": "Newest",
  created_at: "Oldest",
  name: "Name, A to Z",
  "-name": "Name, Z to A",
} as const;
export type Sort = keyof typeof SORTS;

export interface ContactFilters {
  q: string;
  stage: string;
  /** `me`, `nobody`, `somebody` or a colleague's id. */
  assignee: string;
  source: string;
  tag: string;
  sort: Sort;
}

export const NO_FILTERS: ContactFilters = {
  q: "",
  stage: "",
  assignee: "",
  source: "",
  tag: "",
  sort: "-last_activity_at",
};

const MAX_TEXT = 200;
const MAX_LABEL = 60;
const ID = /^[\w-]{1,40}$/;

/** Reads a query string; what it does not understand is left out, never passed on. */
export function parseFilters(search: URLSearchParams): ContactFilters {
  const text = (name: string, most: number) => (search.get(name) ?? "").trim().slice(0, most);
  const id = (name: string) => (ID.test(search.get(name) ?? "") ? (search.get(name) ?? "") : "");
  const sort = search.get("sort") ?? "";
  return {
    q: text("q", MAX_TEXT),
    stage: id("stage"),
    assignee: id("assignee"),
    source: text("source", MAX_LABEL),
    tag: text("tag", MAX_LABEL),
    sort: sort in SORTS ? (sort as Sort) : NO_FILTERS.sort,
  };
}

export function toSearch(filters: ContactFilters): string {
  const search = new URLSearchParams();
  for (const name of ["q", "stage", "assignee", "source", "tag", "sort"] as const)
    if (filters[name] !== NO_FILTERS[name]) search.set(name, filters[name]);
  return search.toString();
}

/** Whether anything narrows the list; an order does not. */
export const isNarrowed = (filters: ContactFilters): boolean => toSearch({ ...filters, sort: NO_FILTERS.sort }) !== "";

/** The board shows every stage, in its own order. */
export const toBoardQuery = ({ q, assignee, source, tag }: ContactFilters) => ({
  ...(q && { q }),
  ...(assignee && { assigned_to: assignee }),
  ...(source && { source }),
  ...(tag && { tag }),
});

export const toQuery = (filters: ContactFilters): ContactQuery => ({
  ...toBoardQuery(filters),
  ...(filters.stage && { stage_id: filters.stage }),
  sort: filters.sort,
});
