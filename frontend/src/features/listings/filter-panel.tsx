import { useTenant } from "@/shared/api/tenant";
import type { Facets } from "@/shared/api/types";
import { currencySign } from "@/shared/lib/format";
import { AtLeast } from "./at-least";
import { Bedrooms } from "./bedrooms";
import { Choices } from "./choices";
import { type Filters, STATUSES, TYPES } from "./filters";
import { NumberRange } from "./number-range";
import { PriceBars } from "./price-bars";
import type { ChangeFilters } from "./use-filters";

interface FilterPanelProps {
  filters: Filters;
  /** How many listings each value has; unknown while the search is limited. */
  facets: Facets | undefined;
  onChange: ChangeFilters;
}

/** Every filter, for the side of a wide window and the sheet of a narrow one. */
export function FilterPanel({ filters, facets, onChange }: FilterPanelProps) {
  const { currency } = useTenant();
  return (
    <div className="grid gap-6">
      <Choices
        legend="Status"
        name="status"
        options={STATUSES}
        counts={facets?.status}
        chosen={filters.status}
        onChange={onChange}
      />
      <NumberRange
        legend="Price"
        unit={currencySign(currency)}
        min={{ name: "min_price", value: filters.min_price }}
        max={{ name: "max_price", value: filters.max_price }}
        onChange={onChange}
      >
        {facets && <PriceBars buckets={facets.price} filters={filters} onChange={onChange} />}
      </NumberRange>
      <Bedrooms filters={filters} counts={facets?.bedrooms} onChange={onChange} />
      <AtLeast legend="Bathrooms" name="min_baths" value={filters.min_baths} onChange={onChange} />
      <Choices
        legend="Home type"
        name="type"
        options={facets ? [] : TYPES}
        counts={facets?.type}
        chosen={filters.type}
        onChange={onChange}
      />
      <Choices legend="City" name="city" counts={facets?.city} chosen={filters.city} onChange={onChange} />
      <Choices
        legend="Subdivision"
        name="subdivision"
        counts={facets?.subdivision}
        chosen={filters.subdivision}
        onChange={onChange}
      />
      <NumberRange
        legend="Living area"
        unit="sq ft"
        min={{ name: "min_area", value: filters.min_area }}
        max={{ name: "max_area", value: filters.max_area }}
        onChange={onChange}
      />
      <NumberRange
        legend="Year built"
        digits={4}
        grouping={false}
        min={{ name: "min_year", value: filters.min_year }}
        max={{ name: "max_year", value: filters.max_year }}
        onChange={onChange}
      />
    </div>
  );
}
