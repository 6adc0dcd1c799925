/** The map's only background: meridians and parallels at round distances, and how long a mile is. */
import { decimal } from "@/shared/lib/format";
import type { Box } from "../area";

const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const MIN_SPACING = 90;
const TILE = 512;
const FEET_PER_MILE = 5280;
const METRES_PER_MILE = 1609.344;
const EQUATOR_METRES = 40_075_016.7;

/** The finest step, degrees, whose lines are still well apart on the screen. */
export function stepAt(zoom: number): number {
  const pixelsPerDegree = (TILE * 2 ** zoom) / 360;
  return STEPS.findLast((step) => step * pixelsPerDegree >= MIN_SPACING) ?? 30;
}

function multiples(from: number, to: number, step: number): number[] {
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

export function graticule({ west, south, east, north }: Box, zoom: number): [number, number][][] {
  const step = stepAt(zoom);
  const meridians = multiples(west, east, step).map((longitude): [number, number][] => [
    [longitude, south],
    [longitude, north],
  ]);
  const parallels = multiples(south, north, step).map((latitude): [number, number][] => [
    [west, latitude],
    [east, latitude],
  ]);
  return [...meridians, ...parallels];
}

export interface Scale {
  words: string;
  /** CSS pixels. */
  width: number;
}

/** The longest round distance that fits into `room` pixels. */
export function scaleAt(latitude: number, zoom: number, room = 110): Scale {
  const metresPerPixel = (EQUATOR_METRES * Math.cos((latitude * Math.PI) / 180)) / (TILE * 2 ** zoom);
  const milesInRoom = (metresPerPixel * room) / METRES_PER_MILE;
  const inFeet = milesInRoom < 0.25;
  const most = inFeet ? milesInRoom * FEET_PER_MILE : milesInRoom;
  const magnitude = 10 ** Math.floor(Math.log10(most));
  const round = ([5, 2, 1].find((digit) => digit * magnitude <= most) ?? 1) * magnitude;
  const share = round / most;
  return { words: `${decimal(round)} ${inFeet ? "ft" : "mi"}`, width: Math.round(room * share) };
}
