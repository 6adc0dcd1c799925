import type { Map as MapLibre } from "maplibre-gl";
import { type KeyboardEvent, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { ActiveContext, useActive } from "../active";
import type { Point } from "../area";
import { PinMark } from "./pin-mark";
import { neighbour, type Pin } from "./pins";

interface PinLayerProps {
  map: MapLibre;
  pins: Pin[];
  /** The search, for the way back from a listing. */
  search: string;
  inert: boolean;
  onPoint: (pin: Pin) => void;
  onLeave: (how: { atOnce: boolean }) => void;
  onOpen: (pin: Pin) => void;
}

const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];

/** A place in the map's own frame, so that dragging and scrolling over a pin still move the map. */
function useLayer(map: MapLibre): HTMLElement {
  const layer = useMemo(() => document.createElement("div"), []);
  useEffect(() => {
    map.getCanvasContainer().append(layer);
    return () => layer.remove();
  }, [map, layer]);
  return layer;
}

/** Keeps elements over their places while the map moves; React does not take part in that. */
function usePlaced(map: MapLibre, places: Map<HTMLElement, Point>, changed: unknown): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: placed anew whenever what is shown has changed.
  useLayoutEffect(() => {
    const place = () => {
      for (const [element, { longitude, latitude }] of places) {
        const { x, y } = map.project([longitude, latitude]);
        element.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
      }
    };
    place();
    map.on("move", place);
    return () => {
      map.off("move", place);
    };
  }, [map, places, changed]);
}

/**
 * The pins: one stop of the tab key, arrow keys from pin to pin. When the pin that had the focus has gone, as after
 * zooming into a cluster, the focus goes to the one that is nearest to where it was.
 */
export function PinLayer({ map, pins, search, inert, onPoint, onLeave, onOpen }: PinLayerProps) {
  const layer = useLayer(map);
  const places = useMemo(() => new Map<HTMLElement, Point>(), []);
  const list = useRef<HTMLUListElement>(null);
  const focused = useRef<Pin>(undefined);
  const [stop, setStop] = useState<string>();
  const listing = useActive();
  usePlaced(map, places, [pins, listing]);

  const focusOn = (pin: Pin | undefined): void => {
    const mark = pin && list.current?.querySelector<HTMLElement>(`[data-pin="${CSS.escape(pin.id)}"]`);
    (mark ?? map.getCanvas()).focus({ preventScroll: true });
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: looks after the focus only when the pins have changed.
  useLayoutEffect(() => {
    const lost = focused.current;
    if (!lost || list.current?.contains(document.activeElement)) return;
    focusOn(pins.length > 0 ? nearest(pins, lost) : undefined);
  }, [pins]);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onLeave({ atOnce: true });
    if (!KEYS.includes(event.key) || !focused.current) return;
    event.preventDefault();
    event.stopPropagation(); // The map would move.
    const next = neighbour(pins, focused.current, event.key);
    if (next) focusOn(next);
  };
  const current = pins.some(({ id }) => id === stop) ? stop : pins[0]?.id;
  const isOnPin = pins.some(({ points }) => points.some(({ id }) => id === listing?.id));
  return createPortal(
    <>
      <ul
        ref={list}
        aria-label="Listings on the map"
        inert={inert}
        onKeyDown={onKeyDown}
        onBlur={(event) => {
          // A pin that is taken away tells nothing of where the focus went; a person who leaves does.
          if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget)) focused.current = undefined;
        }}
      >
        {pins.map((pin) => (
          <PinMark
            key={pin.id}
            pin={pin}
            search={search}
            isStop={pin.id === current}
            place={(element) => {
              places.set(element, pin);
              return () => void places.delete(element);
            }}
            onFocus={() => {
              focused.current = pin;
              setStop(pin.id);
            }}
            onPoint={onPoint}
            onLeave={onLeave}
            onOpen={onOpen}
          />
        ))}
      </ul>
      <Beacon places={places} isNeeded={!isOnPin} />
    </>,
    layer,
  );
}

function nearest(pins: Pin[], from: Point): Pin | undefined {
  const distance = (pin: Pin) =>
    Math.hypot(pin.longitude - from.longitude, (pin.latitude - from.latitude) * Math.SQRT2);
  return pins.toSorted((a, b) => distance(a) - distance(b))[0];
}

/** Where the active listing lies when it has no pin of its own, as inside a cluster. */
function Beacon({ places, isNeeded }: { places: Map<HTMLElement, Point>; isNeeded: boolean }) {
  const active = useContext(ActiveContext);
  const listing = active.now;
  if (!isNeeded || listing?.latitude == null || listing.longitude == null) return null;
  const at = { latitude: listing.latitude, longitude: listing.longitude };
  return (
    <span
      key={listing.id}
      aria-hidden
      ref={(element) => {
        if (!element) return;
        places.set(element, at);
        return () => void places.delete(element);
      }}
      className="pointer-events-none absolute top-0 left-0 size-5 rounded-full border-4 border-brand bg-surface shadow-float"
    />
  );
}
