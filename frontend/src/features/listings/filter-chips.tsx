import { X } from "lucide-react";
import { useTenant } from "@/shared/api/tenant";
import { count, wholeMoney } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { describeArea } from "./area";
import { type Filters, LISTS, type NumberFilter, withoutFilters } from "./filters";
import type { ChangeFilters } from "./use-filters";

const NUMBER_WORDS: Record<NumberFilter, (value: number, currency: string) => string> = {
  min_price: (value, currency) => `From ${wholeMoney(value, currency)}`,
  max_price: (value, currency) => `Up to ${wholeMoney(value, currency)}`,
  min_beds: (value) => `${value}+ beds`,
  max_beds: (value) => `At most ${value} ${value === 1 ? "bed" : "beds"}`,
  min_baths: (value) => `${value}+ baths`,
  min_area: (value) => `From ${count(value)} sq ft`,
  max_area: (value) => `Up to ${count(value)} sq ft`,
  min_year: (value) => `Built ${value} or later`,
  max_year: (value) => `Built ${value} or earlier`,
};

interface Chip {
  key: string;
  text: string;
  without: (filters: Filters) => Filters;
}

function chipsOf(filters: Filters, currency: string): Chip[] {
  const values = LISTS.flatMap((name) =>
    filters[name].map((text) => ({
      key: `${name} ${text}`,
      text,
      without: (now: Filters) => ({ ...now, [name]: now[name].filter((value) => value !== text) }),
    })),
  );
  const numbers = (Object.keys(NUMBER_WORDS) as NumberFilter[]).flatMap((name) => {
    const value = filters[name];
    if (value === undefined) return [];
    return [
      { key: name, text: NUMBER_WORDS[name](value, currency), without: ({ [name]: _, ...rest }: Filters) => rest },
    ];
  });
  const area = filters.area
    ? [{ key: "area", text: describeArea(filters.area), without: ({ area: _, ...rest }: Filters) => rest }]
    : [];
  return [...area, ...values, ...numbers];
}

/** The filters in force, each with a way out. */
export function FilterChips({ filters, onChange }: { filters: Filters; onChange: ChangeFilters }) {
  const { currency } = useTenant();
  const chips = chipsOf(filters, currency);
  if (chips.length === 0) return null;
  return (
    <ul aria-label="Filters in force" className="flex flex-wrap items-center gap-2">
      {chips.map(({ key, text, without }) => (
        <li key={key}>
          <button
            type="button"
            aria-label={`Remove filter: ${text}`}
            onClick={() => onChange(without)}
            className="inline-flex h-8 items-center gap-1.5 rounded-full bg-brand-soft pr-2 pl-3 text-on-brand-soft text-sm transition-colors hover:bg-sunken hover:text-ink"
          >
            {text}
            <X className="size-3.5" aria-hidden />
          </button>
        </li>
      ))}
      <li>
        <Button look="link" size="text" className="px-1.5" onClick={() => onChange(withoutFilters)}>
          Clear all
        </Button>
      </li>
    </ul>
  );
}
