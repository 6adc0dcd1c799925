/** What to let go of when nothing matches: each filter with what would then be found, where the facets tell. */
import type { Facets } from "@/shared/api/types";
import { type Filters, without } from "./filters";

export interface Loosened {
  words: string;
  filters: Filters;
  /** How many listings there would be; unknown without facets, and where a facet shows only its first values. */
  count: number | undefined;
}

const WORDS: Partial<Record<keyof Filters, string>> = {
  area: "Anywhere on the map",
  q: "Without the words",
  min_price: "Any price",
  min_beds: "Any number of bedrooms",
  min_baths: "Any number of bathrooms",
  min_area: "Any living area",
  min_year: "Any year built",
  status: "Any status",
  type: "Any home type",
  city: "Any city",
  subdivision: "Any subdivision",
  postal_code: "Any ZIP code",
};

const FACETS: Partial<Record<keyof Filters, keyof Facets>> = {
  min_price: "price",
  min_beds: "bedrooms",
  status: "status",
  type: "type",
};

const RANGES: Partial<Record<keyof Filters, keyof Filters>> = {
  min_price: "max_price",
  min_beds: "max_beds",
  min_area: "max_area",
  min_year: "max_year",
};

function isInForce(filters: Filters, name: keyof Filters): boolean {
  const other = RANGES[name];
  const value = filters[name];
  return (
    (Array.isArray(value) ? value.length > 0 : value !== undefined) ||
    (other !== undefined && filters[other] !== undefined)
  );
}

export function loosened(filters: Filters, facets: Facets | undefined): Loosened[] {
  const names = (Object.keys(WORDS) as (keyof Filters)[]).filter((name) => isInForce(filters, name));
  const all = names.map((name) => {
    const facet = FACETS[name];
    const buckets: { count: number }[] | undefined = facet && facets?.[facet];
    const count = buckets?.reduce((sum, bucket) => sum + bucket.count, 0);
    return { words: WORDS[name] ?? "", filters: without(filters, name), count };
  });
  // Those that are known to bring nothing on their own are no help.
  const helpful = all.filter(({ count }) => count !== 0);
  return helpful.toSorted((a, b) => (b.count ?? 0) - (a.count ?? 0));
}
