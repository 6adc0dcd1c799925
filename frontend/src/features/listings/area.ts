/** The piece of the map that a search is bound to, as the address bar and the API write it. Degrees WGS 84, metres. */
export interface Point {
  latitude: number;
  longitude: number;
}
export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}
export type Area =
  | ({ kind: "box" } & Box)
  | { kind: "circle"; center: Point; radius: number }
  | { kind: "polygon"; corners: Point[] };

const MAX_RADIUS = 100_000;
export const MAX_CORNERS = 200;
const METRES_PER_MILE = 1609.344;
const METRES_PER_DEGREE = 111_320;

/** Radii that the interface offers, in miles. */
export const RADII = [0.5, 1, 2, 5, 10, 25] as const;
export const metres = (miles: number): number => Math.round(miles * METRES_PER_MILE);
export const miles = (radius: number): number => Math.round((radius / METRES_PER_MILE) * 10) / 10;

/** Five decimals are about a metre. */
const short = (degrees: number): string => String(Number(degrees.toFixed(5)));

const NUMBER = /^-?\d{1,3}(\.\d{1,12})?$/;

function numbers(text: string, length: number): number[] | undefined {
  const parts = text.split(",").map((part) => part.trim());
  return parts.length === length && parts.every((part) => NUMBER.test(part)) ? parts.map(Number) : undefined;
}

const isOnEarth = ({ latitude, longitude }: Point): boolean => Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;

/** `latitude, longitude`, the order in which people write it. */
export function parsePoint(text: string): Point | undefined {
  const [latitude, longitude] = numbers(text, 2) ?? [];
  if (latitude === undefined || longitude === undefined) return undefined;
  const point = { latitude, longitude };
  return isOnEarth(point) ? point : undefined;
}

/** The API writes corners and boxes as `longitude,latitude`. */
const flipped = (text: string): string => text.split(",").reverse().join(",");

function parseBox(text: string): Area | undefined {
  const [west, south, east, north] = numbers(text, 4) ?? [];
  if (west === undefined || south === undefined || east === undefined || north === undefined) return undefined;
  const fits = isOnEarth({ latitude: south, longitude: west }) && isOnEarth({ latitude: north, longitude: east });
  return fits && west < east && south < north ? { kind: "box", west, south, east, north } : undefined;
}

function parsePolygon(text: string): Area | undefined {
  const corners = text.split(";").map((corner) => parsePoint(flipped(corner)));
  const all = corners.filter((corner) => corner !== undefined);
  if (all.length !== corners.length || all.length < 3 || all.length > MAX_CORNERS) return undefined;
  return { kind: "polygon", corners: all };
}

function parseCircle(near: string, radius: string): Area | undefined {
  const center = parsePoint(near);
  if (!center || !/^\d{1,6}$/.test(radius) || Number(radius) < 1 || Number(radius) > MAX_RADIUS) return undefined;
  return { kind: "circle", center, radius: Number(radius) };
}

/** One area at a time: a drawn one before a circle before the map's own frame. */
export const parseArea = (search: URLSearchParams): Area | undefined =>
  parsePolygon(search.get("polygon") ?? "") ??
  parseCircle(search.get("near") ?? "", search.get("radius") ?? "") ??
  parseBox(search.get("bbox") ?? "");

export const writeBox = ({ west, south, east, north }: Box): string => [west, south, east, north].map(short).join(",");

/** The area as the query parameters of the page's address and of the API. */
export function areaParameters(area: Area | undefined): {
  bbox?: string;
  near?: string;
  radius?: number;
  polygon?: string;
} {
  if (!area) return {};
  if (area.kind === "box") return { bbox: writeBox(area) };
  if (area.kind === "circle")
    return { near: [area.center.latitude, area.center.longitude].map(short).join(","), radius: area.radius };
  return {
    polygon: area.corners.map(({ latitude, longitude }) => `${short(longitude)},${short(latitude)}`).join(";"),
  };
}

export function describeArea(area: Area): string {
  if (area.kind === "box") return "In the map’s frame";
  if (area.kind === "circle") return `Within ${miles(area.radius)} mi of a point`;
  return `Drawn area, ${area.corners.length} corners`;
}

/** The corners of a circle drawn as a polygon. */
export function ring({ center, radius }: { center: Point; radius: number }, corners = 64): Point[] {
  const up = radius / METRES_PER_DEGREE;
  const across = up / Math.max(Math.cos((center.latitude * Math.PI) / 180), 0.01);
  return Array.from({ length: corners }, (_, corner) => {
    const angle = (corner / corners) * 2 * Math.PI;
    return {
      latitude: center.latitude + up * Math.sin(angle),
      longitude: center.longitude + across * Math.cos(angle),
    };
  });
}

export const outline = (area: Area): Point[] => {
  if (area.kind === "polygon") return area.corners;
  if (area.kind === "circle") return ring(area);
  const { west, south, east, north } = area;
  return [
    { longitude: west, latitude: south },
    { longitude: east, latitude: south },
    { longitude: east, latitude: north },
    { longitude: west, latitude: north },
  ];
};

export function around(points: Point[]): Box | undefined {
  if (points.length === 0) return undefined;
  const longitudes = points.map(({ longitude }) => longitude);
  const latitudes = points.map(({ latitude }) => latitude);
  return {
    west: Math.min(...longitudes),
    south: Math.min(...latitudes),
    east: Math.max(...longitudes),
    north: Math.max(...latitudes),
  };
}

/** What two boxes have in common, if anything. */
export function overlap(a: Box, b: Box): Box | undefined {
  const common = {
    west: Math.max(a.west, b.west),
    south: Math.max(a.south, b.south),
    east: Math.min(a.east, b.east),
    north: Math.min(a.north, b.north),
  };
  return common.west < common.east && common.south < common.north ? common : undefined;
}
