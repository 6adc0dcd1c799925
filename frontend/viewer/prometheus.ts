/** What is asked of Prometheus' HTTP API, which the server of these pages hands on. */

export interface Series {
  labels: Record<string, string>;
  /** Seconds and values; null where there is no number. */
  points: [number, number | null][];
}

export interface Exemplar {
  at: number;
  value: number;
  trace: string;
}

export interface Span {
  start: number;
  end: number;
  step: number;
}

class Refused extends Error {}

type Answer = { status: "success"; data: unknown } | { status: "error"; error: string };
type Found = { metric: Record<string, string>; value?: [number, string]; values?: [number, string][] };

async function ask(path: string, parameters: Record<string, string>, signal?: AbortSignal): Promise<unknown> {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`, { signal });
  const body = (await answer.json().catch(() => null)) as Answer | null;
  if (body?.status === "success") return body.data;
  throw new Refused(body?.error ?? `Prometheus answers ${answer.status}.`);
}

const number = (text: string): number | null => (Number.isFinite(Number(text)) ? Number(text) : null);

const seriesOf = (data: unknown): Series[] =>
  (data as { result: Found[] }).result.map(({ metric, value, values }) => ({
    labels: metric,
    points: (values ?? (value ? [value] : [])).map(([at, text]) => [at, number(text)]),
  }));

/** The latest value of each series. */
export async function latest(query: string, at: number, signal?: AbortSignal): Promise<Series[]> {
  return seriesOf(await ask("query", { query, time: String(at) }, signal));
}

/** The series over a time. */
export async function over(query: string, { start, end, step }: Span, signal?: AbortSignal): Promise<Series[]> {
  const times = { start: String(start), end: String(end), step: String(step) };
  return seriesOf(await ask("query_range", { query, ...times }, signal));
}

/** Single requests behind a histogram, with their traces. */
export async function exemplars(query: string, { start, end }: Span, signal?: AbortSignal): Promise<Exemplar[]> {
  const data = await ask("query_exemplars", { query, start: String(start), end: String(end) }, signal);
  const found = data as { exemplars: { labels: Record<string, string>; value: string; timestamp: number }[] }[];
  return found.flatMap((series) =>
    series.exemplars.map(({ labels, value, timestamp }) => ({
      at: timestamp,
      value: Number(value),
      trace: labels.trace_id ?? "",
    })),
  );
}

/** The values of a label, as `label_values(metric, label)` of a variable asks. */
export async function valuesOf(query: string, signal?: AbortSignal): Promise<string[]> {
  const match = /^label_values\((.+),\s*(\w+)\)$/.exec(query);
  if (!match) throw new Error(`This is no question for the values of a label: ${query}`);
  const [, metric = "", label = ""] = match;
  return (await ask(`label/${label}/values`, { "match[]": metric }, signal)) as string[];
}
