/** How the fake app finds listings: plainly, over a list in memory, with the answers of the real search. */
import type { Facets, MapAnswer, PropertyDetail, Suggestion } from "../shared/api/types";

type Test = (home: PropertyDetail) => boolean;
type Placed = PropertyDetail & { latitude: number; longitude: number };

const METRES_PER_DEGREE = 111_320;
const ALL_POINTS = 300;

const isPlaced = (home: PropertyDetail): home is Placed => home.latitude != null && home.longitude != null;
const units = (home: PropertyDetail): number => home.list_price.amount / 100;

function metresFrom(near: string, home: PropertyDetail): number {
  const [latitude = 0, longitude = 0] = near.split(",").map(Number);
  if (!isPlaced(home)) return Number.POSITIVE_INFINITY;
  const east = (home.longitude - longitude) * Math.cos((latitude * Math.PI) / 180);
  return Math.hypot(home.latitude - latitude, east) * METRES_PER_DEGREE;
}

/** The even-odd rule. */
function isInside(polygon: string, home: PropertyDetail): boolean {
  if (!isPlaced(home)) return false;
  const corners = polygon.split(";").map((corner) => corner.split(",").map(Number));
  return corners.reduce((inside, [x1 = 0, y1 = 0], index) => {
    const [x2 = 0, y2 = 0] = corners.at(index - 1) ?? [];
    const crosses = y1 > home.latitude !== y2 > home.latitude;
    return crosses && home.longitude < ((x2 - x1) * (home.latitude - y1)) / (y2 - y1) + x1 ? !inside : inside;
  }, false);
}

/** One test for each filter of the query, by the name of the facet that leaves it out. */
function testsOf(query: URLSearchParams): Record<string, Test> {
  const least = (name: string) => Number(query.get(name) ?? 0);
  const most = (name: string) => Number(query.get(name) ?? Number.POSITIVE_INFINITY);
  const range = (name: string, value: number) => value >= least(`min_${name}`) && value <= most(`max_${name}`);
  const oneOf = (name: string, value: string | null | undefined) =>
    !query.has(name) || query.getAll(name).includes(value ?? "");
  const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const [west, south, east, north] = (query.get("bbox") ?? "-180,-90,180,90").split(",").map(Number) as number[];
  const [near, radius, polygon] = [query.get("near"), query.get("radius"), query.get("polygon")];
  return {
    price: (home) => range("price", units(home)),
    bedrooms: (home) => range("beds", Number(home.bedrooms_total)),
    rest: (home) =>
      Number(home.bathrooms_total) >= least("min_baths") &&
      range("area", Number(home.living_area)) &&
      range("year", Number(home.year_built)) &&
      oneOf("postal_code", home.postal_code),
    type: (home) => oneOf("type", home.property_sub_type),
    status: (home) => oneOf("status", home.standard_status),
    city: (home) => oneOf("city", home.city),
    subdivision: (home) => oneOf("subdivision", home.subdivision_name),
    words: (home) => {
      const text = `${home.unparsed_address} ${home.subdivision_name} ${home.public_remarks}`.toLowerCase();
      return words.every((word) => text.includes(word));
    },
    place: (home) =>
      !(query.has("bbox") || near || polygon) ||
      (isPlaced(home) &&
        home.longitude >= (west ?? 0) &&
        home.longitude <= (east ?? 0) &&
        home.latitude >= (south ?? 0) &&
        home.latitude <= (north ?? 0) &&
        (!near || metresFrom(near, home) <= Number(radius)) &&
        (!polygon || isInside(polygon, home))),
  };
}

export function find(homes: PropertyDetail[], query: URLSearchParams, without = ""): PropertyDetail[] {
  const tests = Object.entries(testsOf(query)).filter(([name]) => name !== without);
  return homes.filter((home) => home.standard_status !== "Incomplete" && tests.every(([, test]) => test(home)));
}

/** The newest change first, drafts among them. */
export const mine = (homes: PropertyDetail[], query: URLSearchParams): PropertyDetail[] =>
  homes
    .filter(
      ({ can_edit, standard_status: is }) => can_edit && (!query.has("status") || query.getAll("status").includes(is)),
    )
    .toSorted((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at));

export function sorted(homes: PropertyDetail[], query: URLSearchParams): PropertyDetail[] {
  const sort = query.get("sort") ?? (query.get("q") ? "relevance" : "-modified");
  const keys: Record<string, (home: PropertyDetail) => number> = {
    list_price: (home) => home.list_price.amount,
    modified: (home) => Date.parse(home.modification_timestamp),
    area: (home) => Number(home.living_area),
    year: (home) => Number(home.year_built),
    distance: (home) => metresFrom(query.get("near") ?? "", home),
  };
  const key = keys[sort.replace("-", "")];
  if (!key) return homes;
  return homes.toSorted((a, b) => (sort.startsWith("-") ? key(b) - key(a) : key(a) - key(b)));
}

function counted<T extends string | number>(values: (T | null | undefined)[]): { value: T; count: number }[] {
  const counts = new Map<T, number>();
  for (const value of values) if (value != null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].map(([value, count]) => ({ value, count })).toSorted((a, b) => b.count - a.count);
}

const PRICES = [0, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000, 500_000, null];

/** Each facet's counts ignore its own filter. */
export function facets(homes: PropertyDetail[], query: URLSearchParams): Facets {
  const under = (name: string) => find(homes, query, name);
  const priced = under("price").map(units);
  return {
    status: counted(under("status").map((home) => home.standard_status)),
    type: counted(under("type").map((home) => home.property_sub_type)),
    city: counted(under("city").map((home) => home.city)),
    subdivision: counted(under("subdivision").map((home) => home.subdivision_name)),
    bedrooms: counted(under("bedrooms").map((home) => home.bedrooms_total)).toSorted((a, b) => a.value - b.value),
    price: PRICES.slice(0, -1).map((from, index) => {
      const to = PRICES[index + 1] ?? null;
      const count = priced.filter((price) => price >= (from ?? 0) && price < (to ?? Number.POSITIVE_INFINITY)).length;
      return { from: from ?? 0, to, count };
    }),
  } as Facets;
}

/** Points while they are few, otherwise cells of a grid that gets finer with the zoom. */
export function onMap(homes: PropertyDetail[], query: URLSearchParams): MapAnswer {
  const found = find(homes, query).filter(isPlaced);
  if (found.length <= ALL_POINTS) return { total: found.length, clusters: [], points: found } as unknown as MapAnswer;
  const cell = 360 / 2 ** (Number(query.get("zoom")) + 3);
  const cells = Map.groupBy(
    found,
    ({ latitude, longitude }) => `${Math.floor(longitude / cell)}/${Math.floor(latitude / cell)}`,
  );
  const clusters = [...cells].map(([id, members]) => {
    const [longitudes, latitudes] = [members.map((home) => home.longitude), members.map((home) => home.latitude)];
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    return {
      id,
      count: members.length,
      latitude: mean(latitudes),
      longitude: mean(longitudes),
      bbox: [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)],
      min_price: members.toSorted((a, b) => a.list_price.amount - b.list_price.amount)[0]?.list_price,
    };
  });
  return { total: found.length, clusters, points: [] } as unknown as MapAnswer;
}

export function suggestions(homes: PropertyDetail[], query: URLSearchParams): Suggestion[] {
  const q = (query.get("q") ?? "").toLowerCase();
  const starts = (text: string | null | undefined) => (text ?? "").toLowerCase().startsWith(q);
  const places = (["city", "subdivision", "postal_code"] as const).flatMap((kind) =>
    counted(homes.map((home) => (kind === "subdivision" ? home.subdivision_name : home[kind])))
      .filter(({ value }) => starts(value))
      .map(({ value, count }) => ({ kind, text: value, property_id: null, count })),
  );
  const addresses = homes
    .filter((home) => starts(home.unparsed_address) || home.unparsed_address.toLowerCase().includes(` ${q}`))
    .map((home) => ({ kind: "address" as const, text: home.unparsed_address, property_id: home.id, count: null }));
  return [...places, ...addresses].slice(0, Number(query.get("limit") ?? 8));
}
