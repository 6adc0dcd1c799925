import { X } from "lucide-react";
import { Link } from "react-router";
import type { MapPoint } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { money, plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { Photo } from "../photo";
import type { Pin } from "./pins";

interface PinPreviewProps {
  pin: Pin;
  search: string;
  /** On the side of the map where the pin is not. */
  side: "top" | "bottom";
  /** The pointer has reached the preview itself, or has left it. */
  onEnter: () => void;
  onLeave: () => void;
  onClose: () => void;
}

/** What a pin stands for: one listing, or all that lie at one place. */
export const PinPreview = ({ pin, search, side, onEnter, onLeave, onClose }: PinPreviewProps) => (
  // biome-ignore lint/a11y/noStaticElementInteractions: the pointer may rest here without the preview going away.
  <div
    onPointerEnter={onEnter}
    onPointerLeave={onLeave}
    onFocus={onEnter}
    onBlur={onLeave}
    onKeyDown={(event) => event.key === "Escape" && onClose()}
    className={cn(
      "popup absolute left-3 z-20 flex w-72 max-w-[calc(100%-1.5rem)] rounded-xl border border-line bg-raised shadow-float",
      side === "top" ? "top-16" : "bottom-12",
    )}
  >
    <ul aria-label="Chosen on the map" className="max-h-52 min-w-0 flex-1 overflow-y-auto">
      {pin.points.map((point) => (
        <li key={point.id} className="border-line border-b last:border-b-0">
          <Preview point={point} search={search} />
        </li>
      ))}
    </ul>
    <Button look="quiet" size="icon" className="size-8" aria-label="Close the preview" onClick={onClose}>
      <X aria-hidden />
    </Button>
  </div>
);

const Preview = ({ point, search }: { point: MapPoint; search: string }) => (
  <Link
    to={`/listings/${point.id}`}
    state={{ results: search }}
    className="-outline-offset-2 flex gap-3 rounded-xl p-2.5 hover:underline hover:underline-offset-4"
  >
    <Photo photo={point.photo} className="size-18 shrink-0 rounded-lg" />
    <span className="grid min-w-0 content-center text-sm">
      <span className="font-semibold text-base tabular-nums">{money(point.list_price)}</span>
      <span className="truncate">{point.unparsed_address}</span>
      <span className="text-ink-soft">
        {[point.standard_status, point.bedrooms_total != null && plural(point.bedrooms_total, "bed", "beds")]
          .filter(Boolean)
          .join(" · ")}
      </span>
    </span>
  </Link>
);
