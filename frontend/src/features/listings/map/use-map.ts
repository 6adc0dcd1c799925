import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { type RefObject, useEffect, useRef, useState } from "react";
import { useTheme } from "@/shared/lib/theme";
import { useMedia } from "@/shared/lib/use-media";
import { type Area, type Box, outline, type Point } from "../area";
import { WORLD } from "../queries";
import { mapColours } from "./colours";
import { graticule } from "./graticule";

type Engine = typeof import("./map-engine");
/** Why there is no map: this browser cannot draw one, or its code could not be fetched. */
export type NoMap = "unsupported" | "failed";

function canDraw(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  // Browsers hold only a few contexts; this one has told what it was asked.
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

/** MapLibre's code, fetched once a map is wanted. */
export function useEngine(): Engine | NoMap | undefined {
  const [engine, setEngine] = useState<Engine | NoMap>();
  useEffect(() => {
    let isWanted = true;
    const settle = (value: Engine | NoMap) => isWanted && setEngine(value);
    if (canDraw()) import("./map-engine").then(settle, () => settle("failed"));
    else settle("unsupported");
    return () => {
      isWanted = false;
    };
  }, []);
  return engine;
}

/** A map in `container` from its first look at `start` on; gone when the component goes. */
export function useMap(engine: Engine, container: RefObject<HTMLElement | null>, start: Box, onFail: () => void) {
  const [map, setMap] = useState<MapLibre>();
  const theme = useTheme();
  const isDark = useMedia("(prefers-color-scheme: dark)");

  // biome-ignore lint/correctness/useExhaustiveDependencies: where it starts and what a failure means do not change.
  useEffect(() => {
    const element = container.current;
    if (!element) return;
    let made: MapLibre;
    try {
      made = engine.createMap(element, { start, colours: mapColours(element) });
    } catch {
      // MapLibre throws when the graphics processor refuses after all.
      onFail();
      return;
    }
    made.once("load", () => setMap(made));
    return () => {
      setMap(undefined);
      made.remove();
    };
  }, [engine, container]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of theme changes what the colours resolve to.
  useEffect(() => {
    if (map) engine.recolour(map, mapColours(map.getContainer()));
  }, [engine, map, theme, isDark]);
  return map;
}

export interface Frame {
  box: Box;
  zoom: number;
}

/** A map that shows more than the world still has a frame on it. */
export function frameOf(map: MapLibre): Frame {
  const bounds = map.getBounds();
  return {
    box: {
      west: Math.max(bounds.getWest(), WORLD.west),
      south: Math.max(bounds.getSouth(), WORLD.south),
      east: Math.min(bounds.getEast(), WORLD.east),
      north: Math.min(bounds.getNorth(), WORLD.north),
    },
    zoom: map.getZoom(),
  };
}

const STILL_AFTER = 150;

/** What the map shows, once it stands still. `byHand` tells whether a person has moved it there. */
export function useFrame(map: MapLibre, onMove: (frame: Frame, byHand: boolean) => void): Frame {
  const [frame, setFrame] = useState(() => frameOf(map));
  const tell = useRef(onMove);
  useEffect(() => {
    tell.current = onMove;
  });
  useEffect(() => {
    let timer: number | undefined;
    let byHand = false;
    const moved = (event: { originalEvent?: unknown; byHand?: boolean }) => {
      byHand ||= event.originalEvent !== undefined || event.byHand === true;
      window.clearTimeout(timer);
      timer = window.setTimeout(() => {
        const now = frameOf(map);
        setFrame(now);
        tell.current(now, byHand);
        byHand = false;
      }, STILL_AFTER);
    };
    map.on("moveend", moved);
    map.on("resize", moved);
    return () => {
      window.clearTimeout(timer);
      map.off("moveend", moved);
      map.off("resize", moved);
    };
  }, [map]);
  return frame;
}

export function useGraticule(map: MapLibre, { box, zoom }: Frame): void {
  useEffect(() => {
    const [across, up] = [box.east - box.west, box.north - box.south];
    const wide = { west: box.west - across, east: box.east + across, south: box.south - up, north: box.north + up };
    map.getSource<GeoJSONSource>("graticule")?.setData({ type: "MultiLineString", coordinates: graticule(wide, zoom) });
  }, [map, box, zoom]);
}

type Feature = Extract<Parameters<GeoJSONSource["setData"]>[0], { type: "Feature" }>;

const coordinates = (points: Point[]) => points.map(({ longitude, latitude }) => [longitude, latitude]);

/** Shows the area in force, or the corners of one that is being drawn. */
export function useShapes(map: MapLibre, area: Area | undefined, draft: Point[] | undefined): void {
  useEffect(() => {
    const features: Feature[] = [];
    const add = (geometry: Feature["geometry"]) => features.push({ type: "Feature", properties: {}, geometry });
    if (draft) {
      for (const corner of coordinates(draft)) add({ type: "Point", coordinates: corner });
      if (draft.length > 1)
        add({
          type: "LineString",
          coordinates: coordinates(draft.length > 2 ? [...draft, ...draft.slice(0, 1)] : draft),
        });
    } else if (area) {
      const corners = coordinates(outline(area));
      add({ type: "Polygon", coordinates: [[...corners, ...corners.slice(0, 1)]] });
    }
    map.getSource<GeoJSONSource>("area")?.setData({ type: "FeatureCollection", features });
  }, [map, area, draft]);
}
