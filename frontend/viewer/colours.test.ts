import { describe, expect, it } from "vitest";
import boards from "./boards.testing";
import { stateOf, tokenOf } from "./colours";

const STEPS = [
  { value: null, color: "green" },
  { value: 0.5, color: "yellow" },
  { value: 1, color: "red" },
];

describe("the colour of a value", () => {
  it.each([
    [-1, "green"],
    [0.49, "green"],
    [0.5, "yellow"],
    [1, "red"],
    [99, "red"],
  ])("%s is %s", (value, colour) => expect(stateOf(value, STEPS)).toBe(colour));

  it("says nothing where there is no value or no threshold", () => {
    expect(stateOf(null, STEPS)).toBe("blue");
    expect(stateOf(Number.NaN, STEPS)).toBe("blue");
    expect(stateOf(5)).toBe("blue");
  });

  it("is known for every threshold of the dashboards", () => {
    const used = boards.flatMap(({ panels }) =>
      panels.flatMap((panel) => panel.fieldConfig?.defaults.thresholds?.steps ?? []),
    );
    expect(used.length).toBeGreaterThan(50);
    expect(used.filter(({ color }) => !["green", "yellow", "red", "blue"].includes(color))).toEqual([]);
    expect(tokenOf("red")).not.toBe(tokenOf("green"));
  });
});
