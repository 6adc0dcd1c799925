/** The price facet as bars: neighbours are joined until each bar is wide enough to press. */
import type { Facets } from "@/shared/api/types";

export type PriceBucket = Facets["price"][number];

const MAX_BARS = 9;

export function bars(buckets: PriceBucket[], most = MAX_BARS): PriceBucket[] {
  const size = Math.ceil(buckets.length / most);
  if (size <= 1) return buckets;
  return Array.from({ length: Math.ceil(buckets.length / size) }, (_, bar) => {
    const joined = buckets.slice(bar * size, (bar + 1) * size);
    return {
      from: joined[0]?.from ?? 0,
      to: joined.at(-1)?.to ?? null,
      count: joined.reduce((sum, { count }) => sum + count, 0),
    };
  });
}
