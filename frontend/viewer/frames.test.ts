import { describe, expect, it } from "vitest";
import boards from "./boards.testing";
import { chartOf, gridOf, heatOf, named, type Result, sorted, stacked } from "./frames";
import type { Panel } from "./model";

const at = 1_000;
const found = (refId: string, ...series: [Record<string, string>, number | null][]): Result => ({
  query: { refId, expr: "", legendFormat: "{{tenant}}" },
  series: series.map(([labels, value]) => ({ labels, points: [[at, value]] })),
});

const TABLE: Panel = {
  id: 1,
  type: "table",
  title: "Tenants",
  gridPos: { x: 0, y: 0, w: 24, h: 8 },
  options: { sortBy: [{ displayName: "Errors", desc: true }] },
  transformations: [
    { id: "merge", options: {} },
    {
      id: "organize",
      options: {
        excludeByName: { Time: true, pod: true },
        indexByName: { tenant: 0, "Value #A": 1, "Value #B": 2 },
        renameByName: { tenant: "Tenant", "Value #A": "Errors", "Value #B": "Requests" },
      },
    },
  ],
};

describe("a table", () => {
  it("has a row for each tenant, with the values of all queries, sorted, the unknown last", () => {
    const grid = gridOf(TABLE, [
      found("A", [{ tenant: "acme" }, 0.1], [{ tenant: "birch" }, 0.3]),
      found("B", [{ tenant: "birch" }, 7], [{ tenant: "acme" }, 5], [{ tenant: "cedar" }, 1]),
    ]);
    expect(grid.columns).toEqual(["Tenant", "Errors", "Requests"]);
    expect(grid.rows).toEqual([
      { Tenant: "birch", Errors: 0.3, Requests: 7 },
      { Tenant: "acme", Errors: 0.1, Requests: 5 },
      { Tenant: "cedar", Errors: null, Requests: 1 },
    ]);
  });

  it("keeps its columns when nothing was found", () => {
    expect(gridOf(TABLE, [found("A"), found("B")])).toEqual({ columns: ["Tenant", "Errors", "Requests"], rows: [] });
  });

  it("of the real dashboards shows each query in a column with a name", () => {
    const tables = boards.flatMap(({ panels }) => panels.filter(({ type }) => type === "table"));
    expect(tables.length).toBeGreaterThan(4);
    for (const panel of tables) {
      const results = (panel.targets ?? []).map((query) => ({
        query,
        series: [{ labels: { tenant: "acme" }, points: [[at, 1]] as [number, number][] }],
      }));
      const { columns } = gridOf(panel, results);
      expect(columns.filter((name) => name.startsWith("Value"))).toEqual([]);
      expect(new Set(columns).size).toBe(columns.length);
    }
  });

  it("sorts words and numbers both ways", () => {
    const rows = [
      { a: "x", n: 2 },
      { a: "y", n: null },
      { a: "w", n: 10 },
    ];
    expect(sorted(rows, "n", false).map(({ n }) => n)).toEqual([2, 10, null]);
    expect(sorted(rows, "a", true).map(({ a }) => a)).toEqual(["y", "x", "w"]);
  });
});

describe("a chart", () => {
  const span = { start: 100, end: 130, step: 10 };
  const line = (name: string, ...values: [number, number | null][]): Result => ({
    query: { refId: "A", expr: "", legendFormat: name },
    series: [{ labels: {}, points: values }],
  });

  it("has all lines over the same times, with gaps where there is nothing", () => {
    const chart = chartOf([line("a", [100, 1], [130, 4]), line("b", [110, 2], [120, null])], span);
    expect(chart.times).toEqual([100, 110, 120, 130]);
    expect(chart.lines.map(({ name, values }) => [name, values])).toEqual([
      ["a", [1, null, null, 4]],
      ["b", [null, 2, null, null]],
    ]);
  });

  it("that is stacked ends with the sum", () => {
    const lines = stacked([
      { key: "a", name: "a", values: [1, 2, null] },
      { key: "b", name: "b", values: [10, null, 30] },
    ]);
    expect(lines.map(({ values }) => values)).toEqual([
      [1, 2, null],
      [11, null, 30],
    ]);
  });

  it("tells series apart that have one name", () => {
    const results = [found("A", [{ tenant: "acme", pod: "a" }, 1], [{ tenant: "acme", pod: "b" }, 2])];
    expect(new Set(named(results).map(({ key }) => key)).size).toBe(2);
  });

  it("names each series by its labels", () => {
    expect(named([found("A", [{ tenant: "acme" }, 3])]).map(({ name, value }) => [name, value])).toEqual([["acme", 3]]);
  });
});

describe("a heat map", () => {
  it("shows what each bucket has more than the one below it, in the order of their ends", () => {
    const bucket = (le: string, value: number) => ({ labels: { le }, points: [[100, value]] as [number, number][] });
    const query = { refId: "A", expr: "", legendFormat: "{{le}}" };
    const heat = heatOf([{ query, series: [bucket("+Inf", 10), bucket("0.1", 4), bucket("1.0", 9)] }], {
      start: 100,
      end: 100,
      step: 10,
    });
    expect(heat.ends).toEqual([0.1, 1, Number.POSITIVE_INFINITY]);
    expect(heat.counts).toEqual([[4], [5], [1]]);
  });
});
