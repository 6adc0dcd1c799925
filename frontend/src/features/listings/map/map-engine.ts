/**
 * The one file that imports MapLibre, a chunk of its own that is fetched when a map is first shown.
 * Nothing comes from outside: the style is written here, without tiles, glyphs or sprites, and the worker is our own file.
 */
import { Map as MapLibre, type StyleSpecification, setWorkerCount, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { Box } from "../area";
import type { MapColours } from "./colours";
import "./map.css";

setWorkerUrl(workerUrl);
setWorkerCount(1);

const NOTHING = { type: "FeatureCollection" as const, features: [] };

const style = ({ land, line, area }: MapColours): StyleSpecification => ({
  version: 8,
  sources: {
    graticule: { type: "geojson", data: NOTHING, maxzoom: 12 },
    area: { type: "geojson", data: NOTHING },
  },
  layers: [
    { id: "land", type: "background", paint: { "background-color": land } },
    { id: "graticule", type: "line", source: "graticule", paint: { "line-color": line, "line-width": 1 } },
    { id: "area-fill", type: "fill", source: "area", paint: { "fill-color": area, "fill-opacity": 0.08 } },
    { id: "area-line", type: "line", source: "area", paint: { "line-color": area, "line-width": 2 } },
    {
      id: "area-corner",
      type: "circle",
      source: "area",
      filter: ["==", ["geometry-type"], "Point"],
      paint: { "circle-color": land, "circle-radius": 5, "circle-stroke-color": area, "circle-stroke-width": 2 },
    },
  ],
});

export function createMap(container: HTMLElement, { start, colours }: { start: Box; colours: MapColours }): MapLibre {
  const map = new MapLibre({
    container,
    style: style(colours),
    bounds: [start.west, start.south, start.east, start.north],
    fitBoundsOptions: { padding: 48, maxZoom: 15 },
    locale: { "Map.Title": "Map: arrow keys move it, plus and minus zoom" },
    attributionControl: false,
    dragRotate: false,
    touchPitch: false,
    pitchWithRotate: false,
    renderWorldCopies: false,
    fadeDuration: 0,
    minZoom: 1,
    maxZoom: 20,
  });
  map.keyboard.disableRotation();
  map.touchZoomRotate.disableRotation();
  return map;
}

export function recolour(map: MapLibre, { land, line, area }: MapColours): void {
  map.setPaintProperty("land", "background-color", land);
  map.setPaintProperty("graticule", "line-color", line);
  map.setPaintProperty("area-fill", "fill-color", area);
  map.setPaintProperty("area-line", "line-color", area);
  map.setPaintProperty("area-corner", "circle-color", land);
  map.setPaintProperty("area-corner", "circle-stroke-color", area);
}
