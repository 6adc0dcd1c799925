/** From series to what panels show: the rows of a table, the aligned columns of a chart, the cells of a heat map. */
import { legendOf } from "./expand";
import type { Panel, Query } from "./model";
import type { Series, Span } from "./prometheus";

/** What one query has found. */
export interface Result {
  query: Query;
  series: Series[];
}

export type Row = Record<string, string | number | null>;

export interface Grid {
  columns: string[];
  rows: Row[];
}

const lastOf = ({ points }: Series): number | null => points.at(-1)?.[1] ?? null;

export interface Named {
  /** Tells series apart that have one name. */
  key: string;
  name: string;
  value: number | null;
  series: Series;
}

const keyOf = (labels: Record<string, string>): string => JSON.stringify(Object.entries(labels).sort());

/** The series of all queries by their names, with their last values. */
export function named(results: Result[]): Named[] {
  return results.flatMap(({ query, series }) =>
    series.map((one) => ({
      key: query.refId + keyOf(one.labels),
      name: legendOf(query.legendFormat, one.labels),
      value: lastOf(one),
      series: one,
    })),
  );
}

/** Grafana's `merge`: values of the same labels are one row. */
function merged(results: Result[]): Row[] {
  const rows = new Map<string, Row>();
  for (const { query, series } of results) {
    const column = results.length > 1 ? `Value #${query.refId}` : "Value";
    for (const one of series) {
      const key = keyOf(one.labels);
      rows.set(key, { ...(rows.get(key) ?? one.labels), [column]: lastOf(one) });
    }
  }
  return [...rows.values()];
}

/** A table: merged, with only the columns that are wanted, by their names, sorted as the panel says. */
export function gridOf(panel: Panel, results: Result[]): Grid {
  const organised = panel.transformations?.find(({ id }) => id === "organize")?.options ?? {};
  const { excludeByName = {}, indexByName = {}, renameByName = {} } = organised;
  const found = merged(results);
  const names = [...new Set(found.flatMap(Object.keys)), ...Object.keys(renameByName)];
  const place = (name: string) => indexByName[name] ?? Number.MAX_SAFE_INTEGER;
  const kept = [...new Set(names)].filter((name) => !excludeByName[name]).sort((a, b) => place(a) - place(b));
  const rows = found.map((row) =>
    Object.fromEntries(kept.map((name) => [renameByName[name] ?? name, row[name] ?? null])),
  );
  const [by] = panel.options?.sortBy ?? [];
  return {
    columns: kept.map((name) => renameByName[name] ?? name),
    rows: by ? sorted(rows, by.displayName, by.desc ?? false) : rows,
  };
}

/** What has no value stands last, in either order. */
export function sorted(rows: Row[], column: string, descending: boolean): Row[] {
  const order = descending ? -1 : 1;
  return rows.toSorted((left, right) => {
    const [a, b] = [left[column] ?? null, right[column] ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    if (typeof a === "number" && typeof b === "number") return order * (a - b);
    return order * String(a).localeCompare(String(b));
  });
}

export interface Chart {
  times: number[];
  lines: { key: string; name: string; values: (number | null)[] }[];
}

/** All series over the same times; a time without a value is a gap. */
export function chartOf(results: Result[], { start, end, step }: Span): Chart {
  const first = Math.ceil(start / step) * step;
  const times = Array.from({ length: Math.floor((end - first) / step) + 1 }, (_, number) => first + number * step);
  const lines = named(results).map(({ key, name, series }) => {
    const values = new Map(series.points.map(([at, value]) => [Math.round((at - first) / step), value]));
    return { key, name, values: times.map((_, number) => values.get(number) ?? null) };
  });
  return { times, lines };
}

/** Each line on top of those before it, and what is drawn from above: the last one first. */
export function stacked(lines: Chart["lines"]): Chart["lines"] {
  const below: number[] = [];
  return lines.map(({ values, ...line }) => ({
    ...line,
    values: values.map((value, at) => {
      below[at] = (below[at] ?? 0) + (value ?? 0);
      return value === null ? null : below[at];
    }),
  }));
}

export interface Heat {
  times: number[];
  /** Upper ends of the buckets, the lowest first. */
  ends: number[];
  /** By bucket and time: how many answers a second. */
  counts: (number | null)[][];
}

/** Grafana's `heatmap` format: what each bucket has more than the one below it. */
export function heatOf(results: Result[], span: Span): Heat {
  const bound = ({ name }: { name: string }) => (name === "+Inf" ? Number.POSITIVE_INFINITY : Number(name));
  const { times, lines } = chartOf(results, span);
  const ordered = lines.toSorted((a, b) => bound(a) - bound(b));
  const counts = ordered.map(({ values }, number) =>
    values.map((value, at) => (value === null ? null : Math.max(0, value - (ordered[number - 1]?.values[at] ?? 0)))),
  );
  return { times, ends: ordered.map(bound), counts };
}
