/** Moving a photo by pointer: its handle is held, and it takes the place of the photo under the pointer. */
import { type PointerEvent as Pressed, useEffect, useLayoutEffect, useRef, useState } from "react";

const EDGE_PX = 72;
const BAR_PX = 150;
const SCROLL_PX = 14;

interface Drag {
  id: string;
  order: string[];
}

/** `order` as it is; `onDrop` gets the new one once, when the photo is let go. */
export function useDrag(order: string[], onDrop: (order: string[], id: string) => void) {
  const [drag, setDrag] = useState<Drag>();
  const latest = useRef({ drag, order, onDrop });
  // Before the next event: whoever lets go at once has moved it nevertheless.
  useLayoutEffect(() => {
    latest.current = { drag, order, onDrop };
  });
  const isOn = drag !== undefined;
  // On the window: a handle that moves along in the page loses its hold on the pointer.
  useEffect(() => {
    if (!isOn) return;
    const watch = new AbortController();
    const listen = { signal: watch.signal };
    const onMove = ({ clientX, clientY }: PointerEvent) => {
      scrollNear(clientY);
      const over = document.elementFromPoint(clientX, clientY)?.closest<HTMLElement>("[data-photo]")?.dataset.photo;
      setDrag((now) => (now && over && over !== now.id ? { ...now, order: takingPlaceOf(now, over) } : now));
    };
    const onUp = () => {
      const { drag: done, order: before, onDrop: drop } = latest.current;
      setDrag(undefined);
      if (done?.order.some((id, index) => id !== before[index])) drop(done.order, done.id);
    };
    const abandon = () => setDrag(undefined);
    window.addEventListener("pointermove", onMove, listen);
    window.addEventListener("pointerup", onUp, listen);
    window.addEventListener("pointercancel", abandon, listen);
    window.addEventListener("keydown", ({ key }) => key === "Escape" && abandon(), listen);
    return () => watch.abort();
  }, [isOn]);
  const handlers = (id: string) => ({
    onPointerDown: (event: Pressed) => event.button === 0 && setDrag({ id, order }),
  });
  return { dragged: drag?.id, order: drag?.order ?? order, handlers };
}

const takingPlaceOf = ({ id, order }: Drag, over: string): string[] => placed(order, id, order.indexOf(over));

function scrollNear(y: number): void {
  if (y < BAR_PX + EDGE_PX) window.scrollBy(0, -SCROLL_PX);
  else if (y > window.innerHeight - EDGE_PX) window.scrollBy(0, SCROLL_PX);
}

/** The list with one of its items at another place. */
export function placed(order: readonly string[], id: string, place: number): string[] {
  const others = order.filter((other) => other !== id);
  return others.toSpliced(Math.max(0, Math.min(place, others.length)), 0, id);
}
