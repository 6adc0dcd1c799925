import { useQuery } from "@tanstack/react-query";
import { MapPinOff } from "lucide-react";
import { useState } from "react";
import { Skeleton } from "@/shared/ui/skeleton";
import { around, type Box, outline } from "../area";
import type { Filters } from "../filters";
import { mapQuery, WORLD } from "../queries";
import type { ChangeFilters } from "../use-filters";
import { MapCanvas } from "./map-canvas";
import { pinsOf } from "./pins";
import { type NoMap, useEngine } from "./use-map";

export interface MapViewProps {
  filters: Filters;
  /** How many listings the search has found, once known. */
  total: number | undefined;
  search: string;
  onChange: ChangeFilters;
}

const LOWER_48: Box = { west: -125, south: 24, east: -66, north: 50 };

const WHY: Record<NoMap, string> = {
  unsupported: "This browser cannot draw maps (WebGL 2 is off or missing). The list shows the same listings.",
  failed: "The map could not be loaded. The list shows the same listings.",
};

/** The search's listings on a map. The list beside it, or a press away on a phone, shows the same. */
export function MapView({ filters, total, search, onChange }: MapViewProps) {
  const engine = useEngine();
  const [refused, setRefused] = useState(false);
  const extent = useQuery(mapQuery(filters, WORLD, 0));
  const problem = refused ? "unsupported" : typeof engine === "string" ? engine : undefined;
  const everything = extent.data && around(pinsOf(extent.data).flatMap(({ box }) => outline({ kind: "box", ...box })));
  const target = filters.area ? around(outline(filters.area)) : everything;
  return (
    <section
      aria-label="Map of listings"
      className="@container relative h-full overflow-hidden rounded-xl border border-line bg-sunken"
    >
      {problem ? (
        <div role="status" className="grid h-full place-content-center justify-items-center gap-3 p-8 text-center">
          <MapPinOff className="size-7 text-ink-soft" strokeWidth={1.4} aria-hidden />
          <p className="max-w-72 text-ink-soft text-sm">{WHY[problem]}</p>
        </div>
      ) : !engine || typeof engine === "string" || extent.isPending ? (
        <Skeleton className="absolute inset-0 rounded-none" />
      ) : (
        <MapCanvas
          engine={engine}
          start={target ?? LOWER_48}
          target={extent.isPlaceholderData ? undefined : target}
          mapped={extent.isPlaceholderData ? undefined : extent.data?.total}
          onRefused={() => setRefused(true)}
          filters={filters}
          total={total}
          search={search}
          onChange={onChange}
        />
      )}
    </section>
  );
}
