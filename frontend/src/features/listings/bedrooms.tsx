import { Select } from "@/shared/ui/select";
import { AtLeast } from "./at-least";
import type { Filters } from "./filters";
import type { ChangeFilters } from "./use-filters";

const MOST = [1, 2, 3, 4, 5, 6];

interface BedroomsProps {
  filters: Filters;
  counts: { value: number; count: number }[] | undefined;
  onChange: ChangeFilters;
}

export function Bedrooms({ filters, counts, onChange }: BedroomsProps) {
  const most = filters.max_beds;
  const withAtLeast = (least: number): number =>
    counts?.reduce((sum, { value, count }) => sum + (value >= least && value <= (most ?? value) ? count : 0), 0) ?? 0;
  return (
    <div className="grid gap-2">
      <AtLeast
        legend="Bedrooms"
        name="min_beds"
        value={filters.min_beds}
        counted={counts && withAtLeast}
        onChange={onChange}
      />
      <Select
        aria-label="Bedrooms at most"
        value={most ?? ""}
        onChange={(event) => {
          const chosen = Number(event.target.value);
          onChange(({ max_beds: _, ...rest }) => (chosen ? { ...rest, max_beds: chosen } : rest));
        }}
      >
        <option value="">No maximum</option>
        {[...new Set([...MOST, ...(most ? [most] : [])])].map((value) => (
          <option key={value} value={value}>
            At most {value}
          </option>
        ))}
      </Select>
    </div>
  );
}
