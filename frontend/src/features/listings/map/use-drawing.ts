/** Marking an area on the map by single presses or by keys; nothing has to be dragged. */
import type { Map as MapLibre, MapMouseEvent } from "maplibre-gl";
import { useEffect, useRef, useState } from "react";
import { type Area, MAX_CORNERS, metres, type Point } from "../area";

export type Drawing = { kind: "polygon"; corners: Point[] } | { kind: "circle" };

const CLOSE = 12;
const FIRST_RADIUS = metres(1);

export function useDrawing(map: MapLibre, onDone: (area: Area) => void) {
  const [drawing, setDrawing] = useState<Drawing>();
  const isDrawing = drawing !== undefined;

  const finish = (): void => {
    if (drawing?.kind !== "polygon" || drawing.corners.length < 3) return;
    onDone({ kind: "polygon", corners: drawing.corners });
    setDrawing(undefined);
  };
  const isNear = (a: Point | undefined, b: Point): boolean => {
    if (!a) return false;
    const [from, to] = [map.project([a.longitude, a.latitude]), map.project([b.longitude, b.latitude])];
    return Math.hypot(from.x - to.x, from.y - to.y) < CLOSE;
  };
  const mark = (point: Point): void => {
    if (drawing?.kind === "circle") {
      onDone({ kind: "circle", center: point, radius: FIRST_RADIUS });
      setDrawing(undefined);
    } else if (drawing) {
      const { corners } = drawing;
      if (corners.length > 2 && isNear(corners[0], point)) finish();
      // The second press of a double one.
      else if (isNear(corners.at(-1), point)) finish();
      else if (corners.length < MAX_CORNERS) setDrawing({ kind: "polygon", corners: [...corners, point] });
    }
  };
  const markCenter = (): void => {
    const { lng, lat } = map.getCenter();
    mark({ longitude: lng, latitude: lat });
  };
  const undo = (): void => {
    if (drawing?.kind === "polygon") setDrawing({ kind: "polygon", corners: drawing.corners.slice(0, -1) });
  };
  const cancel = (): void => setDrawing(undefined);
  /** On the map itself: space marks its middle, Enter ends, Backspace takes back, Escape leaves. */
  const press = (event: KeyboardEvent): void => {
    const end = drawing?.kind === "circle" ? markCenter : finish;
    const act = { " ": markCenter, Enter: end, Backspace: undo, Escape: cancel }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const latest = useRef({ mark, press });
  useEffect(() => {
    latest.current = { mark, press };
  });
  useEffect(() => {
    if (!isDrawing) return;
    const onClick = ({ lngLat }: MapMouseEvent) => latest.current.mark({ longitude: lngLat.lng, latitude: lngLat.lat });
    const onKey = (event: KeyboardEvent) => latest.current.press(event);
    const canvas = map.getCanvas();
    map.getContainer().dataset.drawing = "";
    map.on("click", onClick);
    map.doubleClickZoom.disable();
    canvas.addEventListener("keydown", onKey);
    return () => {
      delete map.getContainer().dataset.drawing;
      map.off("click", onClick);
      map.doubleClickZoom.enable();
      canvas.removeEventListener("keydown", onKey);
    };
  }, [map, isDrawing]);
  return {
    drawing,
    begin(kind: Drawing["kind"]): void {
      setDrawing(kind === "polygon" ? { kind, corners: [] } : { kind });
      map.getCanvas().focus({ preventScroll: true });
    },
    markCenter,
    undo,
    finish,
    cancel,
  };
}
