import { describe, expect, it } from "vitest";
import { around, overlap, parsePoint, ring } from "./area";

describe("areas", () => {
  it.each([
    ["42.03, -93.62", { latitude: 42.03, longitude: -93.62 }],
    ["0,0", { latitude: 0, longitude: 0 }],
    ["91,0", undefined],
    ["42", undefined],
    ["42;-93", undefined],
    ["forty, two", undefined],
  ])("reads %j as %j", (text, point) => {
    expect(parsePoint(text)).toEqual(point);
  });

  it("draws a circle with its radius in metres in every direction", () => {
    const center = { latitude: 60, longitude: 10 };
    const frame = around(ring({ center, radius: 1113.2 }));
    expect(frame?.north).toBeCloseTo(60.01, 4);
    expect(frame?.east).toBeCloseTo(10.02, 4);
  });

  it("cuts two frames to what they share", () => {
    const a = { west: 0, south: 0, east: 2, north: 2 };
    expect(overlap(a, { west: 1, south: 1, east: 3, north: 3 })).toEqual({ west: 1, south: 1, east: 2, north: 2 });
    expect(overlap(a, { west: 2, south: 0, east: 3, north: 1 })).toBeUndefined();
  });
});
