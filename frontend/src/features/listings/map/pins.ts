/** Pins that would lie on each other become one: what can be seen can be pressed. No map is needed to reckon this. */
import type { MapAnswer, MapPoint } from "@/shared/api/types";
import type { MoneyLike } from "@/shared/lib/format";
import type { Box, Point } from "../area";

export interface Pin extends Point {
  id: string;
  count: number;
  /** Where its listings lie. */
  box: Box;
  /** The lowest price among them. */
  price: MoneyLike | null;
  /** The listings themselves, when all of them are known. */
  points: MapPoint[];
}

export interface Place {
  x: number;
  y: number;
}

const TILE = 512;
const HEIGHT = 40;
const PRICE_WIDTH = 70;
const MAX_PASSES = 6;

/** Web Mercator in CSS pixels of the whole world at a zoom. */
export function project({ latitude, longitude }: Point, zoom: number): Place {
  const size = TILE * 2 ** zoom;
  const sine = Math.sin((Math.max(-85, Math.min(85, latitude)) * Math.PI) / 180);
  return {
    x: ((longitude + 180) / 360) * size,
    y: (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * size,
  };
}

/** The diameter of a cluster, CSS pixels: it grows with the digits of its count. */
export const diameter = (count: number): number => Math.min(60, 36 + 8 * Math.floor(Math.log10(Math.max(1, count))));

const width = ({ count }: Pin): number => (count === 1 ? PRICE_WIDTH : diameter(count));
const height = ({ count }: Pin): number => (count === 1 ? HEIGHT : Math.max(HEIGHT, diameter(count)));

export function pinsOf({ clusters, points }: MapAnswer): Pin[] {
  const single = points.map(
    (point): Pin => ({
      id: point.id,
      latitude: point.latitude,
      longitude: point.longitude,
      count: 1,
      box: { west: point.longitude, east: point.longitude, south: point.latitude, north: point.latitude },
      price: point.list_price,
      points: [point],
    }),
  );
  const many = clusters.map((cluster): Pin => {
    const [west = 0, south = 0, east = 0, north = 0] = cluster.bbox;
    return { ...cluster, box: { west, south, east, north }, price: cluster.min_price, points: [] };
  });
  return [...many, ...single];
}

const cheaper = (a: MoneyLike | null, b: MoneyLike | null): MoneyLike | null =>
  a && b ? (b.currency === a.currency && b.amount < a.amount ? b : a) : (a ?? b);

function joined(a: Pin, b: Pin): Pin {
  const isKnown = (pin: Pin) => pin.points.length === pin.count;
  return {
    ...a,
    count: a.count + b.count,
    box: {
      west: Math.min(a.box.west, b.box.west),
      south: Math.min(a.box.south, b.box.south),
      east: Math.max(a.box.east, b.box.east),
      north: Math.max(a.box.north, b.box.north),
    },
    price: cheaper(a.price, b.price),
    points: isKnown(a) && isKnown(b) ? [...a.points, ...b.points] : [],
  };
}

function onePass(pins: Pin[], zoom: number): Pin[] {
  const placed: { pin: Pin; at: Place }[] = [];
  for (const pin of pins) {
    const at = project(pin, zoom);
    const under = placed.find(
      (other) =>
        Math.abs(other.at.x - at.x) < (width(other.pin) + width(pin)) / 2 &&
        Math.abs(other.at.y - at.y) < (height(other.pin) + height(pin)) / 2,
    );
    if (under) under.pin = joined(under.pin, pin);
    else placed.push({ pin, at });
  }
  return placed.map(({ pin }) => pin);
}

/** Joins what overlaps at this zoom; the same pins give the same groups wherever the map has been moved to. */
export function grouped(pins: Pin[], zoom: number): Pin[] {
  let groups = pins.toSorted((a, b) => b.count - a.count || (a.id < b.id ? -1 : 1));
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const fewer = onePass(groups, zoom);
    if (fewer.length === groups.length) break;
    groups = fewer;
  }
  // Read from north to south, as a list is.
  return groups.toSorted((a, b) => b.latitude - a.latitude || a.longitude - b.longitude);
}

/** Listings at one and the same place cannot be told apart by zooming in. */
export const isOnePlace = ({ box }: Pin): boolean => box.east - box.west < 1e-5 && box.north - box.south < 1e-5;

const DIRECTIONS: Record<string, Place> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The pin that an arrow key leads to: the nearest one that lies rather in its direction than across it. */
export function neighbour(pins: Pin[], from: Pin, key: string, zoom = 10): Pin | undefined {
  const direction = DIRECTIONS[key];
  if (!direction) return undefined;
  const start = project(from, zoom);
  let best: { pin: Pin; cost: number } | undefined;
  for (const pin of pins) {
    const at = project(pin, zoom);
    const along = (at.x - start.x) * direction.x + (at.y - start.y) * direction.y;
    const across = Math.abs((at.x - start.x) * direction.y) + Math.abs((at.y - start.y) * direction.x);
    const cost = along + 2 * across;
    if (pin.id !== from.id && along > 0 && across <= 2 * along && cost < (best?.cost ?? Infinity)) best = { pin, cost };
  }
  return best?.pin;
}
