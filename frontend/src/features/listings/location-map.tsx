import { Map as MapIcon } from "lucide-react";
import { Link } from "react-router";
import { buttonStyle } from "@/shared/ui/button";
import { type Area, areaParameters, around, metres, outline, type Point } from "./area";
import { scaleAt, stepAt } from "./map/graticule";
import { project } from "./map/pins";

/** A circle of a mile just fits into the picture. */
const ZOOM = 12.2;
const SIZE = { width: 640, height: 300 };

/** Where the graticule cuts the picture, in its pixels. */
function lines(center: Point): { x: number[]; y: number[] } {
  const middle = project(center, ZOOM);
  const step = stepAt(ZOOM);
  const near = (value: number) => [-3, -2, -1, 0, 1, 2, 3].map((index) => (Math.round(value / step) + index) * step);
  return {
    x: near(center.longitude).map((longitude) => project({ ...center, longitude }, ZOOM).x - middle.x),
    y: near(center.latitude).map((latitude) => project({ ...center, latitude }, ZOOM).y - middle.y),
  };
}

/** Where the home is, as a still picture in the style of the map, and the way to what is for sale around it. */
export function LocationMap({ place, street }: { place: Point; street: string }) {
  const { x, y } = lines(place);
  const scale = scaleAt(place.latitude, ZOOM);
  const nearby: Area = { kind: "circle", center: place, radius: metres(1) };
  const search = new URLSearchParams({ sort: "distance" });
  for (const [name, value] of Object.entries(areaParameters(nearby))) search.set(name, String(value));
  const frame = around(outline(nearby));
  if (!frame) return null;
  const across = project({ latitude: place.latitude, longitude: frame.east }, ZOOM).x - project(place, ZOOM).x;
  const { width, height } = SIZE;
  return (
    <section aria-labelledby="location">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-2">
        <h2 id="location" className="font-semibold text-lg">
          Location
        </h2>
        <Link to={`/listings?${search}`} className={buttonStyle({ look: "secondary", size: "small" })} data-chrome>
          <MapIcon aria-hidden />
          Listings within a mile
        </Link>
      </div>
      <svg
        viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`}
        role="img"
        aria-label={`${street} at ${place.latitude.toFixed(4)}, ${place.longitude.toFixed(4)}`}
        className="aspect-[32/15] w-full rounded-xl border border-line bg-sunken"
        preserveAspectRatio="xMidYMid slice"
      >
        <g className="stroke-line">
          {x.map((at) => (
            <line key={at} x1={at} x2={at} y1={-height} y2={height} />
          ))}
          {y.map((at) => (
            <line key={at} x1={-width} x2={width} y1={at} y2={at} />
          ))}
        </g>
        <circle r={across} className="fill-brand/8 stroke-brand/40" strokeDasharray="4 4" />
        <path
          d="M0 0C-5 -9 -13 -15 -13 -24a13 13 0 0 1 26 0C13 -15 5 -9 0 0z"
          className="fill-brand stroke-raised"
          strokeWidth={2}
        />
        <circle cy={-24} r={4.5} className="fill-on-brand" />
        <g
          transform={`translate(${width / 2 - scale.width - 16} ${height / 2 - 14})`}
          className="fill-ink-soft stroke-ink-soft"
        >
          <path d={`M0 -5v5h${scale.width}v-5`} fill="none" />
          <text y={-9} stroke="none" fontSize={12}>
            {scale.words}
          </text>
        </g>
      </svg>
    </section>
  );
}
