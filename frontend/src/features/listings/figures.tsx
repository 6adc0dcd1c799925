import type { PropertySummary } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { decimal, squareFeet } from "@/shared/lib/format";

type Measured = Pick<PropertySummary, "bedrooms_total" | "bathrooms_total" | "living_area">;

/** Beds, baths and area, short for the eye and in full for the ear. */
export function Figures({ property, className }: { property: Measured; className?: string }) {
  const { bedrooms_total: beds, bathrooms_total: baths, living_area: area } = property;
  const figures = [
    beds != null && { value: decimal(beds), unit: beds === 1 ? "bed" : "beds" },
    baths != null && { value: decimal(baths, 1), unit: baths === 1 ? "bath" : "baths" },
    area != null && { value: squareFeet(area).replace(" sq ft", ""), unit: "sq ft" },
  ].filter((figure) => figure !== false);
  return (
    <ul className={cn("flex flex-wrap gap-x-3.5 gap-y-0.5", className)}>
      {figures.map(({ value, unit }) => (
        <li key={unit} className="text-ink-soft">
          <span className="font-medium text-ink tabular-nums">{value}</span> {unit}
        </li>
      ))}
    </ul>
  );
}
