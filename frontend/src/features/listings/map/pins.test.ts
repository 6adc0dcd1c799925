import { describe, expect, it } from "vitest";
import { diameter, grouped, isOnePlace, neighbour, type Pin, project } from "./pins";

const pin = (id: string, longitude: number, latitude: number, count = 1, amount = 10_000_000): Pin => ({
  id,
  longitude,
  latitude,
  count,
  box: { west: longitude, east: longitude, south: latitude, north: latitude },
  price: { amount, currency: "USD" },
  points: count === 1 ? [{ id } as Pin["points"][number]] : [],
});

/** Deterministic scatter around Ames. */
const many = Array.from({ length: 250 }, (_, index) =>
  pin(`p${index}`, -93.62 + ((index * 7919) % 1000) / 10_000, 42.03 + ((index * 104_729) % 1000) / 10_000),
);

describe("pins", () => {
  it("lie on the map where Web Mercator puts them", () => {
    expect(project({ latitude: 0, longitude: 0 }, 0)).toEqual({ x: 256, y: 256 });
    expect(project({ latitude: 0, longitude: 90 }, 1)).toEqual({ x: 768, y: 512 });
  });

  it.each([9, 11, 13, 15])("never lie on each other at zoom %i, and none is lost", (zoom) => {
    const groups = grouped(many, zoom);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(250);
    for (const [index, a] of groups.entries())
      for (const b of groups.slice(index + 1)) {
        const [from, to] = [project(a, zoom), project(b, zoom)];
        const least = (diameter(a.count) + diameter(b.count)) / 2;
        expect(Math.max(Math.abs(from.x - to.x), Math.abs(from.y - to.y))).toBeGreaterThanOrEqual(least - 0.01);
      }
  });

  it("stand alone once there is room for all", () => {
    expect(grouped([pin("a", 0, 0), pin("b", 0.01, 0)], 16)).toHaveLength(2);
    expect(grouped([pin("a", 0, 0), pin("b", 0.01, 0)], 8)).toHaveLength(1);
  });

  it("name the lowest price and the frame of those that they join", () => {
    const [group] = grouped([pin("a", 0, 0, 1, 500), pin("b", 0.001, 0.001, 1, 300)], 5);
    expect(group).toMatchObject({ count: 2, price: { amount: 300 }, box: { west: 0, east: 0.001 } });
    expect(group?.points.map(({ id }) => id)).toEqual(["a", "b"]);
  });

  it("at one place cannot be told apart by zooming", () => {
    const [tower] = grouped([pin("a", 5, 5), pin("b", 5, 5)], 20);
    expect(tower && isOnePlace(tower)).toBe(true);
    const [apart] = grouped([pin("a", 5, 5), pin("b", 5.001, 5)], 5);
    expect(apart && isOnePlace(apart)).toBe(false);
  });

  it("join a cluster without pretending to know all of its listings", () => {
    const [group] = grouped([pin("c", 0, 0, 50), pin("a", 0, 0)], 5);
    expect(group).toMatchObject({ id: "c", count: 51, points: [] });
  });

  it("are reached from each other by the arrow keys", () => {
    const [middle, east, north, far] = [pin("m", 0, 0), pin("e", 1, 0.1), pin("n", 0.1, 1), pin("f", 9, 0)];
    const pins = [middle, east, north, far];
    expect(neighbour(pins, middle, "ArrowRight")).toBe(east);
    expect(neighbour(pins, middle, "ArrowUp")).toBe(north);
    expect(neighbour(pins, east, "ArrowRight")).toBe(far);
    expect(neighbour(pins, middle, "ArrowLeft")).toBeUndefined();
    expect(neighbour(pins, middle, "Enter")).toBeUndefined();
  });
});
