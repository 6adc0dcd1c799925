import { useTenant } from "@/shared/api/tenant";
import { currencySign } from "@/shared/lib/format";
import { AtLeast } from "./at-least";
import { Choices } from "./choices";
import { type Filters, STATUSES, TYPES } from "./filters";
import { NumberRange } from "./number-range";
import type { ChangeFilters } from "./use-filters";

/** Every filter, for the side of a wide window and the sheet of a narrow one. */
export function FilterPanel({ filters, onChange }: { filters: Filters; onChange: ChangeFilters }) {
  const { currency } = useTenant();
  return (
    <div className="grid gap-6">
      <Choices legend="Status" name="status" options={STATUSES} chosen={filters.status} onChange={onChange} />
      <NumberRange
        legend="Price"
        unit={currencySign(currency)}
        min={{ name: "min_price", value: filters.min_price }}
        max={{ name: "max_price", value: filters.max_price }}
        onChange={onChange}
      />
      <AtLeast legend="Bedrooms" name="min_beds" value={filters.min_beds} onChange={onChange} />
      <AtLeast legend="Bathrooms" name="min_baths" value={filters.min_baths} onChange={onChange} />
      <NumberRange
        legend="Living area"
        unit="sq ft"
        min={{ name: "min_area", value: filters.min_area }}
        max={{ name: "max_area", value: filters.max_area }}
        onChange={onChange}
      />
      <Choices legend="Home type" name="type" options={TYPES} chosen={filters.type} onChange={onChange} />
    </div>
  );
}
