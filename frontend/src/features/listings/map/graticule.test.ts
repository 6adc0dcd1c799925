import { describe, expect, it } from "vitest";
import { graticule, scaleAt, stepAt } from "./graticule";

describe("the map's background", () => {
  it.each([
    [2, 30],
    [12, 0.02],
    [16, 0.001],
  ])("at zoom %i has lines every %d degrees", (zoom, step) => {
    expect(stepAt(zoom)).toBe(step);
  });

  it("has every line of the frame, across and up", () => {
    const lines = graticule({ west: -0.05, south: -0.01, east: 0.05, north: 0.03 }, 12);
    expect(lines.map(([start]) => start?.map((degrees) => Number(degrees.toFixed(2))))).toEqual([
      [-0.04, -0.01],
      [-0.02, -0.01],
      [0, -0.01],
      [0.02, -0.01],
      [0.04, -0.01],
      [-0.05, 0],
      [-0.05, 0.02],
    ]);
  });

  it.each([
    [0, 5, "100 mi"],
    [42, 13, "0.2 mi"],
    [42, 17, "100 ft"],
  ])("says how long a distance is at %d° and zoom %i: %s", (latitude, zoom, words) => {
    const scale = scaleAt(latitude, zoom);
    expect(scale.words).toBe(words);
    expect(scale.width).toBeGreaterThan(35);
    expect(scale.width).toBeLessThanOrEqual(110);
  });
});
