import { type MouseEvent, type PointerEvent, useContext, useRef } from "react";
import { Link } from "react-router";
import { cn } from "@/shared/lib/cn";
import { count, money, plural, shortMoney } from "@/shared/lib/format";
import { ActiveContext, useActive } from "../active";
import { diameter, isOnePlace, type Pin } from "./pins";

interface PinMarkProps {
  pin: Pin;
  search: string;
  isStop: boolean;
  place: (element: HTMLElement) => () => void;
  onFocus: () => void;
  onPoint: (pin: Pin) => void;
  onLeave: (how: { atOnce: boolean }) => void;
  onOpen: (pin: Pin) => void;
}

const DRAGGED = 5;

/** A press that has moved the map is none: the pin goes along under the finger. */
function usePressed() {
  const from = useRef({ x: 0, y: 0 });
  return {
    onPointerDown: (event: PointerEvent) => {
      from.current = { x: event.clientX, y: event.clientY };
    },
    isDrag: (event: MouseEvent) =>
      event.detail > 0 && Math.hypot(event.clientX - from.current.x, event.clientY - from.current.y) > DRAGGED,
  };
}

/** One listing with its price, which leads to its page, or several with their number, which leads closer. */
export function PinMark({ pin, search, isStop, place, onFocus, onPoint, onLeave, onOpen }: PinMarkProps) {
  const { onPointerDown, isDrag } = usePressed();
  const active = useContext(ActiveContext);
  const listing = useActive();
  const [point] = pin.points;
  const isActive = pin.points.some(({ id }) => id === listing?.id);
  const shared = {
    "data-pin": pin.id,
    tabIndex: isStop ? 0 : -1,
    draggable: false,
    onPointerDown,
    onPointerEnter: () => {
      if (pin.count === 1 && point) active.set(point);
      onPoint(pin);
    },
    onPointerLeave: (event: PointerEvent) => {
      active.set(undefined);
      // A finger that is lifted has not gone anywhere.
      if (event.pointerType !== "touch") onLeave({ atOnce: false });
    },
    onFocus: () => {
      onFocus();
      if (pin.count === 1 && point) active.set(point);
      onPoint(pin);
    },
    onBlur: () => {
      active.set(undefined);
      onLeave({ atOnce: false });
    },
  };
  return (
    <li
      ref={(element) => (element ? place(element) : undefined)}
      className={cn("absolute top-0 left-0 hover:z-10 focus-within:z-10", isActive && "z-10")}
    >
      {pin.count === 1 && point ? (
        <Link
          {...shared}
          to={`/listings/${pin.id}`}
          state={{ results: search }}
          aria-label={`${shortMoney(point.list_price)}, ${point.unparsed_address}, ${point.standard_status}`}
          onClick={(event) => {
            // A finger has no hover: its first press shows what the second one opens.
            const isTouch = (event.nativeEvent as unknown as globalThis.PointerEvent).pointerType === "touch";
            if (isDrag(event) || isTouch) event.preventDefault();
            if (isTouch && !isDrag(event)) onPoint(pin);
          }}
          className={cn(
            "grid h-7 place-items-center rounded-full border px-2 font-semibold text-xs tabular-nums shadow-card transition-colors",
            isActive
              ? "border-brand bg-brand text-on-brand"
              : "border-control bg-raised text-ink hover:border-brand hover:bg-brand hover:text-on-brand",
          )}
        >
          {shortMoney(point.list_price)}
        </Link>
      ) : (
        <button
          {...shared}
          type="button"
          aria-label={nameOfMany(pin)}
          onClick={(event) => !isDrag(event) && onOpen(pin)}
          style={{ width: diameter(pin.count), height: diameter(pin.count) }}
          className={cn(
            "grid place-items-center rounded-full border-2 border-raised font-semibold text-xs tabular-nums shadow-card transition-colors",
            isActive ? "bg-brand-strong text-on-brand" : "bg-brand text-on-brand hover:bg-brand-strong",
          )}
        >
          {count(pin.count)}
        </button>
      )}
    </li>
  );
}

function nameOfMany(pin: Pin): string {
  const price = pin.price ? `, from ${money(pin.price)}` : "";
  return `${plural(pin.count, "listing", "listings")}${price}, ${isOnePlace(pin) ? "show them" : "zoom in"}`;
}
