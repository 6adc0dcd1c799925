import { useQuery } from "@tanstack/react-query";
import type { Map as MapLibre } from "maplibre-gl";
import { useEffect, useMemo, useRef, useState } from "react";
import { cn } from "@/shared/lib/cn";
import type { Box } from "../area";
import { mapQuery } from "../queries";
import { AreaBar } from "./area-bar";
import { DrawingBar } from "./drawing-bar";
import { Legend, SearchHere, Zoom } from "./map-controls";
import type { MapViewProps } from "./map-view";
import { PinLayer } from "./pin-layer";
import { PinPreview } from "./pin-preview";
import { grouped, isOnePlace, type Pin, pinsOf } from "./pins";
import { useDrawing } from "./use-drawing";
import { useFollows } from "./use-follows";
import { type Frame, frameOf, useFrame, useGraticule, useMap, useShapes } from "./use-map";
import { usePreview } from "./use-preview";

interface OnMapProps extends MapViewProps {
  map: MapLibre;
  /** Where the search's listings lie, once known. */
  target: Box | undefined;
  /** How many of them have a place. */
  mapped: number | undefined;
}

interface MapCanvasProps extends Omit<OnMapProps, "map"> {
  engine: Parameters<typeof useMap>[0];
  start: Box;
  onRefused: () => void;
}

export function MapCanvas({ engine, start, onRefused, ...rest }: MapCanvasProps) {
  const container = useRef<HTMLDivElement>(null);
  const map = useMap(engine, container, start, onRefused);
  return (
    <>
      {/* The controls stand above and below the map: nothing lies on the pins for long. */}
      <div ref={container} className="absolute! inset-x-0 top-13 bottom-9" />
      {map && <OnMap map={map} {...rest} />}
    </>
  );
}

const CLOSEST = 16;
/** From here on, pins that still lie on each other are listed instead of zoomed into. */
const LAST_ZOOM = 19;

function showAll(map: MapLibre, { west, south, east, north }: Box, maxZoom = CLOSEST, how = {}): void {
  map.fitBounds([west, south, east, north], { padding: 56, maxZoom, duration: 500 }, how);
}

const isSame = (a: Box, b: Box): boolean => {
  const tolerance = (a.east - a.west) / 100;
  return (["west", "south", "east", "north"] as const).every((side) => Math.abs(a[side] - b[side]) < tolerance);
};

/** Goes where the search is when its place has changed, unless it was the map that changed it. */
function useFollowSearch(map: MapLibre, { filters, target }: OnMapProps): void {
  const { q, city, subdivision, postal_code, area } = filters;
  const place = JSON.stringify([q, city, subdivision, postal_code, area]);
  const shown = useRef(place);
  useEffect(() => {
    if (shown.current === place || !target) return;
    shown.current = place;
    if (!isSame(frameOf(map).box, target)) showAll(map, target);
  }, [map, place, target]);
}

/** A little more than what is seen, so that pins at the edge come in whole. */
function padded({ west, south, east, north }: Box): Box {
  const [across, up] = [(east - west) * 0.06, (north - south) * 0.06];
  return {
    west: Math.max(west - across, -180),
    south: Math.max(south - up, -85),
    east: Math.min(east + across, 180),
    north: Math.min(north + up, 85),
  };
}

function OnMap(props: OnMapProps) {
  const { map, target, mapped, filters, total, search, onChange } = props;
  const [follows, setFollows] = useFollows();
  const [strayed, setStrayed] = useState<string>();
  const preview = usePreview();
  const isDrawn = filters.area !== undefined && filters.area.kind !== "box";
  const searchHere = (box: Box): void =>
    onChange((now) => ({ ...now, area: { kind: "box", ...box } }), { replace: filters.area?.kind === "box" });
  const frame = useFrame(map, ({ box }: Frame, byHand) => {
    if (!byHand || isDrawn) return;
    if (follows) searchHere(box);
    else setStrayed(search);
  });
  const answer = useQuery(mapQuery(filters, padded(frame.box), frame.zoom));
  const pins = useMemo(() => (answer.data ? grouped(pinsOf(answer.data), frame.zoom) : []), [answer.data, frame.zoom]);
  const tool = useDrawing(map, (area) => onChange((now) => ({ ...now, area })));
  useFollowSearch(map, props);
  useGraticule(map, frame);
  useShapes(map, filters.area, tool.drawing?.kind === "polygon" ? tool.drawing.corners : undefined);

  const { close } = preview;
  useEffect(() => {
    map.on("click", close);
    return () => {
      map.off("click", close);
    };
  }, [map, close]);
  const open = (pin: Pin): void => {
    const isClose = isOnePlace(pin) || map.getZoom() >= LAST_ZOOM;
    if (isClose && pin.points.length > 0) preview.show(pin);
    else showAll(map, pin.box, LAST_ZOOM + 1, { byHand: true });
  };
  const side = preview.pin && map.project([preview.pin.longitude, preview.pin.latitude]).y;
  return (
    <>
      <PinLayer
        map={map}
        pins={pins}
        search={search}
        inert={tool.drawing !== undefined}
        onPoint={(pin) => pin.count === 1 && preview.show(pin)}
        onLeave={preview.leave}
        onOpen={open}
      />
      <div
        className={cn("absolute inset-x-0 top-13 z-10 h-0.5 overflow-hidden", !answer.isFetching && "hidden")}
        aria-hidden
      >
        <div className="h-full w-1/3 animate-[sweep_1.2s_ease-in-out_infinite] bg-brand" />
      </div>
      <div className="absolute inset-x-0 top-0 z-20 flex h-13 items-center justify-between gap-2 border-line border-b bg-surface px-3 @max-sm:gap-1 @max-sm:px-2">
        <AreaBar area={filters.area} onDraw={tool.begin} onChange={onChange} />
        <Zoom map={map} onFit={target && (() => showAll(map, target))} />
      </div>
      {tool.drawing ? (
        <DrawingBar tool={tool} />
      ) : (
        <SearchHere
          canSearch={strayed === search && !follows && !isDrawn}
          nothingHere={answer.data?.total === 0 && !answer.isPlaceholderData && mapped !== 0}
          failed={answer.isError}
          onSearch={() => searchHere(frame.box)}
          onRetry={() => answer.refetch()}
        />
      )}
      {preview.pin && (
        <PinPreview
          pin={preview.pin}
          search={search}
          side={side !== undefined && side > map.getContainer().clientHeight / 2 ? "top" : "bottom"}
          onEnter={preview.keep}
          onLeave={() => preview.leave({ atOnce: false })}
          onClose={preview.close}
        />
      )}
      <Legend
        frame={frame}
        mapped={mapped}
        total={total}
        follows={follows}
        canFollow={!isDrawn}
        onFollow={(on) => {
          setFollows(on);
          if (on) searchHere(frame.box);
        }}
      />
    </>
  );
}
