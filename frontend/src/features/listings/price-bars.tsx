import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";
import { plural, wholeMoney } from "@/shared/lib/format";
import type { Filters } from "./filters";
import { bars, type PriceBucket } from "./price-histogram";
import type { ChangeFilters } from "./use-filters";

interface PriceBarsProps {
  buckets: PriceBucket[];
  filters: Filters;
  onChange: ChangeFilters;
}

/** How the other filters' listings spread over prices; a bar is a price range to press, and to press again to let go. */
export function PriceBars({ buckets, filters, onChange }: PriceBarsProps) {
  const { currency } = useTenant();
  const all = bars(buckets);
  const tallest = Math.max(1, ...all.map(({ count }) => count));
  const words = ({ from, to }: PriceBucket) =>
    to === null
      ? `${wholeMoney(from, currency)} and more`
      : `${wholeMoney(from, currency)} to ${wholeMoney(to, currency)}`;
  if (all.length < 2) return null;
  return (
    <ul aria-label="Listings by price" className="mb-2.5 flex items-end">
      {all.map((bar) => {
        const isChosen = (filters.min_price ?? 0) === bar.from && (filters.max_price ?? null) === bar.to;
        const isIn = bar.from < (filters.max_price ?? Infinity) && (bar.to ?? Infinity) > (filters.min_price ?? 0);
        return (
          <li key={bar.from} className="min-w-0 flex-1">
            <button
              type="button"
              aria-pressed={isChosen}
              aria-label={`${words(bar)}: ${plural(bar.count, "listing", "listings")}`}
              title={`${words(bar)}: ${plural(bar.count, "listing", "listings")}`}
              onClick={() => onChange((now) => ranged(now, isChosen ? undefined : bar))}
              className="group flex h-14 w-full items-end rounded-sm px-px"
            >
              <span
                className={cn(
                  "block w-full rounded-t-sm transition-colors group-hover:bg-brand",
                  isIn ? "bg-brand/70" : "bg-control/40",
                )}
                style={{ height: `${Math.max(4, (bar.count / tallest) * 100)}%` }}
              />
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function ranged({ min_price: _, max_price: __, ...rest }: Filters, bar: PriceBucket | undefined): Filters {
  return {
    ...rest,
    ...(bar?.from ? { min_price: bar.from } : {}),
    ...(bar?.to ? { max_price: bar.to } : {}),
  };
}
