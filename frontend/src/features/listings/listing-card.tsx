import { Link } from "react-router";
import type { PropertySummary } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { money } from "@/shared/lib/format";
import { Badge } from "@/shared/ui/badge";
import { Skeleton } from "@/shared/ui/skeleton";
import { useIsActive, usePointsAt } from "./active";
import { Figures } from "./figures";
import { Photo } from "./photo";
import { statusTone } from "./status";

/** The address in two lines: the street, then the place, whether or not the feed's one-line address holds the place too. */
export function addressLines(
  property: Pick<PropertySummary, "unparsed_address" | "city" | "state_or_province" | "postal_code">,
) {
  const { unparsed_address: whole, city, state_or_province: state, postal_code: code } = property;
  const place = [city, [state, code].filter(Boolean).join(" ")].filter(Boolean).join(", ");
  const cut = city ? whole.lastIndexOf(`, ${city}`) : -1;
  return { street: cut > 0 ? whole.slice(0, cut) : whole, place };
}

/** Its place, when the address may be shown. */
const placed = ({ id, latitude, longitude }: PropertySummary) =>
  latitude == null || longitude == null ? { id } : { id, latitude, longitude };

export function ListingCard({ property, search }: { property: PropertySummary; search: string }) {
  const { street, place } = addressLines(property);
  const isActive = useIsActive(property.id);
  return (
    <article
      {...usePointsAt(placed(property))}
      className={cn(
        "card group relative flex flex-col overflow-hidden transition-shadow duration-200 hover:shadow-lift has-[a:focus-visible]:outline-2 has-[a:focus-visible]:outline-brand has-[a:focus-visible]:outline-offset-2",
        isActive && "border-brand shadow-lift",
      )}
    >
      <Photo photo={property.photo} className="aspect-[4/3] w-full" />
      <div className="absolute top-3 left-3">
        <Badge tone={statusTone(property.standard_status)}>{property.standard_status}</Badge>
      </div>
      <div className="grid gap-1 px-4 pt-3.5 pb-4">
        <p className="font-semibold text-xl tabular-nums tracking-tight">
          {money(property.close_price ?? property.list_price)}
          {property.close_price && (
            <span className="ml-1.5 font-normal text-ink-soft text-sm tracking-normal">sold</span>
          )}
        </p>
        <Figures property={property} className="text-sm" />
        <h2 className="mt-1.5 text-base leading-snug">
          <Link
            id={`listing-${property.id}`}
            to={`/listings/${property.id}`}
            state={{ results: search }}
            className="font-medium outline-none after:absolute after:inset-0 group-hover:underline group-hover:decoration-line group-hover:underline-offset-4"
          >
            {street}
          </Link>
        </h2>
        <p className="text-ink-soft text-sm">{[place, property.property_sub_type].filter(Boolean).join(" · ")}</p>
      </div>
    </article>
  );
}

export const ListingCardSkeleton = () => (
  <div className="card overflow-hidden">
    <Skeleton className="aspect-[4/3] rounded-none" />
    <div className="grid gap-2.5 px-4 pt-4 pb-5">
      <Skeleton className="h-6 w-28" />
      <Skeleton className="h-4 w-44" />
      <Skeleton className="h-4 w-36" />
    </div>
  </div>
);
