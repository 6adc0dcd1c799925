import { Maximize, Minus, Plus, RotateCw } from "lucide-react";
import type { Map as MapLibre } from "maplibre-gl";
import { count } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { scaleAt } from "./graticule";
import type { Frame } from "./use-map";

/** A move that a person asked for by a button, as by dragging. */
const BY_HAND = { byHand: true };

export const Zoom = ({ map, onFit }: { map: MapLibre; onFit: (() => void) | undefined }) => (
  <div className="flex shrink-0 gap-0.5">
    <Button look="quiet" className="size-8 p-0" aria-label="Zoom in" onClick={() => map.zoomIn({}, BY_HAND)}>
      <Plus aria-hidden />
    </Button>
    <Button look="quiet" className="size-8 p-0" aria-label="Zoom out" onClick={() => map.zoomOut({}, BY_HAND)}>
      <Minus aria-hidden />
    </Button>
    <Button look="quiet" className="size-8 p-0" aria-label="Show all results" disabled={!onFit} onClick={onFit}>
      <Maximize aria-hidden />
    </Button>
  </div>
);

interface SearchHereProps {
  canSearch: boolean;
  nothingHere: boolean;
  failed: boolean;
  onSearch: () => void;
  onRetry: () => void;
}

/** What the map has to say about itself, with what can be done about it. */
export function SearchHere({ canSearch, nothingHere, failed, onSearch, onRetry }: SearchHereProps) {
  return (
    <div className="pointer-events-none absolute inset-x-3 top-16 z-10 grid justify-items-center gap-2 *:pointer-events-auto">
      {canSearch && (
        <Button size="small" className="rounded-full shadow-float" onClick={onSearch}>
          <RotateCw aria-hidden />
          Search this area
        </Button>
      )}
      {failed ? (
        <Button look="secondary" size="small" className="rounded-full shadow-float" onClick={onRetry}>
          The pins could not be loaded. Try again
        </Button>
      ) : (
        nothingHere && (
          <p role="status" className="rounded-full border border-line bg-raised px-3 py-1 text-sm shadow-card">
            No listings in this part of the map
          </p>
        )
      )}
    </div>
  );
}

interface LegendProps {
  frame: Frame;
  mapped: number | undefined;
  total: number | undefined;
  follows: boolean;
  canFollow: boolean;
  onFollow: (on: boolean) => void;
}

/** How many of the listings have a place, whether the search goes along, and how far a mile is. */
export function Legend({ frame, mapped, total, follows, canFollow, onFollow }: LegendProps) {
  const scale = scaleAt((frame.box.north + frame.box.south) / 2, frame.zoom);
  return (
    <div className="absolute inset-x-0 bottom-0 z-10 flex min-h-9 flex-wrap items-center gap-x-4 gap-y-0.5 border-line border-t bg-surface px-3 text-sm">
      {canFollow && (
        <label className="flex min-h-9 items-center gap-2">
          <input
            type="checkbox"
            className="size-4.5 accent-brand"
            checked={follows}
            onChange={(event) => onFollow(event.target.checked)}
          />
          Search as I move
        </label>
      )}
      <p className="text-ink-soft tabular-nums">
        {mapped !== undefined &&
          total !== undefined &&
          `${count(Math.min(mapped, total))} of ${count(total)} on the map`}
      </p>
      <div className="ml-auto grid text-ink-soft text-xs @max-sm:hidden" aria-hidden>
        <span>{scale.words}</span>
        <span className="h-1 border border-ink-soft border-t-0" style={{ width: scale.width }} />
      </div>
    </div>
  );
}
