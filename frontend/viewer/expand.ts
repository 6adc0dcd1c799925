/** Grafana's variables, as Prometheus takes them. */

/** Seconds between two values that are collected, as Grafana assumes when nobody tells it. */
const COLLECTED = 15;
const STEPS = [5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800];
const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

export type Values = Record<string, string>;

/** Seconds since 1970 of a time such as `now`, `now-6h`, or milliseconds. */
export function secondsOf(time: string, now: number): number {
  const match = /^now(?:-(\d+)([smhd]))?$/.exec(time);
  if (!match) return Number(time) / 1000;
  const [, count, unit] = match;
  return now - Number(count ?? 0) * (UNITS[unit ?? "s"] ?? 1);
}

/** Seconds between two points, so that a chart of this many pixels shows no more points than a person can tell apart. */
export function stepFor(range: number, pixels: number): number {
  const least = range / Math.max(pixels / 3, 60);
  return STEPS.find((step) => step >= least) ?? Math.ceil(least);
}

/** The expression with its variables put in. Throws when one has no value: it would find nothing, silently. */
export function expand(expr: string, values: Values, step: number): string {
  const all: Values = {
    ...values,
    __interval: `${step}s`,
    __rate_interval: `${Math.max(step + COLLECTED, 4 * COLLECTED)}s`,
  };
  return expr.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced, bare) => {
    const value = all[braced ?? bare];
    if (value === undefined) throw new Error(`There is no value for $${braced ?? bare}.`);
    return value;
  });
}

/** An address with the chosen values of variables put in; null while one is not chosen. */
export function addressOf(url: string, chosen: Record<string, string[]>): string | null {
  let isWhole = true;
  const address = url.replace(/\$\{(\w+)\}/g, (_, name) => {
    const [value, ...others] = chosen[name] ?? [];
    if (value === undefined || others.length > 0) isWhole = false;
    return encodeURIComponent(value ?? "");
  });
  return isWhole ? address : null;
}

/** What a matcher `=~` takes for one or several chosen values. */
export function asPattern(chosen: string[], all: string): string {
  if (chosen.length === 0) return all;
  const escaped = chosen.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, "\\\\$&"));
  return escaped.length === 1 ? (escaped[0] ?? "") : `(${escaped.join("|")})`;
}

/** The name of a series: `{{label}}` is the label's value. */
export function legendOf(format: string | undefined, labels: Record<string, string>): string {
  if (format) return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "").trim() || "value";
  const { __name__: name = "", ...rest } = labels;
  const told = Object.entries(rest).map(([label, value]) => `${label}="${value}"`);
  return told.length > 0 ? `${name}{${told.join(", ")}}` : name || "value";
}
