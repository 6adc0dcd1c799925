import { expect, it } from "vitest";
import boards from "./boards.testing";
import { shown } from "./units";

it.each([
  [0, "short", undefined, "0"],
  [1234, "short", undefined, "1.23 k"],
  [0.1234, "percentunit", 1, "12.3 %"],
  [0.0009, "s", undefined, "900 µs"],
  [0.25, "s", undefined, "250 ms"],
  [75, "s", undefined, "75 s"],
  [900, "s", undefined, "15 min"],
  [90_000, "s", undefined, "25 h"],
  [400_000, "s", undefined, "4.63 d"],
  [160 * 1024 * 1024, "bytes", undefined, "160 MiB"],
  [12_500, "reqps", undefined, "12.5 k req/s"],
  [0.5, "ops", undefined, "0.5 /s"],
  [1, "bool_yes_no", undefined, "Yes"],
  [0, "bool_yes_no", undefined, "No"],
  [14.4, "none", undefined, "14.4"],
  [89.6, "d", undefined, "90 d"],
  [Number.NaN, "short", undefined, "–"],
  [null, "s", undefined, "–"],
])("%s in %s reads %s", (value, unit, decimals, words) => expect(shown(value, unit, decimals)).toBe(words));

it("knows every unit that the dashboards use", () => {
  const known = new Set(["short", "none", "s", "d", "bytes", "reqps", "ops", "percentunit", "bool_yes_no"]);
  const used = boards.flatMap(({ panels }) => panels.map((panel) => panel.fieldConfig?.defaults.unit ?? "short"));
  expect(used.filter((unit) => !known.has(unit))).toEqual([]);
});
