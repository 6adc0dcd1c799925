import { describe, expect, it } from "vitest";
import { readCorners } from "./coordinates-dialog";

describe("an area as text", () => {
  it("is read line by line, latitude first", () => {
    expect(readCorners("42, -93.6\n\n 42.1,-93.6 \n42.1, -93.7\n")).toEqual([
      { latitude: 42, longitude: -93.6 },
      { latitude: 42.1, longitude: -93.6 },
      { latitude: 42.1, longitude: -93.7 },
    ]);
  });

  it.each([
    ["42, -93.6\n\nsomewhere\n1,1", "Line 3 is no latitude and longitude: “somewhere”."],
    ["42, -93.6\n42.1, -93.6", "An area has three corners or more."],
    [Array.from({ length: 201 }, () => "1, 1").join("\n"), "An area has 200 corners at most."],
  ])("is refused with the reason", (text, reason) => {
    expect(readCorners(text)).toBe(reason);
  });
});
