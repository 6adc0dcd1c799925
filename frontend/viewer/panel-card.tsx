/** One panel: its title and words, and what its type shows of what its queries found. */
import { useQuery } from "@tanstack/react-query";
import { type CSSProperties, useId } from "react";
import { expand, secondsOf, stepFor } from "./expand";
import type { Result } from "./frames";
import { HeatPanel } from "./heat-panel";
import { LinesPanel } from "./lines-panel";
import type { Look } from "./look";
import type { Panel } from "./model";
import { type Exemplar, exemplars, latest, over, type Span } from "./prometheus";
import { BarsPanel, StatPanel } from "./stat-panel";
import { TablePanel } from "./table-panel";

export interface Found {
  results: Result[];
  exemplars: Exemplar[];
  span: Span;
}

interface Shown {
  panel: Panel;
  found: Found;
}

const KINDS: Record<string, (shown: Shown) => React.ReactNode> = {
  stat: StatPanel,
  bargauge: BarsPanel,
  table: TablePanel,
  timeseries: LinesPanel,
  heatmap: HeatPanel,
};

/** Pixels that a panel of all 24 columns has, about. */
const WIDE = 1400;

/** Asks all queries of a panel. */
async function find(
  panel: Panel,
  look: Pick<Look, "from" | "to" | "now" | "values">,
  signal?: AbortSignal,
): Promise<Found> {
  const [start, end] = [secondsOf(look.from, look.now), secondsOf(look.to, look.now)];
  const step = stepFor(end - start, (WIDE * panel.gridPos.w) / 24);
  const span = { start, end, step };
  const asked = (panel.targets ?? []).map(async (query) => {
    const expr = expand(query.expr, look.values, step);
    const single = query.exemplar ? exemplars(expr, span, signal) : [];
    const series = query.instant ? latest(expr, end, signal) : over(expr, span, signal);
    return { result: { query, series: await series }, exemplars: await single };
  });
  const answers = await Promise.all(asked);
  // Several quantiles of one histogram have the same ones.
  const single = new Map(answers.flatMap((one) => one.exemplars).map((one) => [`${one.trace} ${one.at}`, one]));
  return { results: answers.map(({ result }) => result), exemplars: [...single.values()], span };
}

export function PanelCard({ panel, look }: { panel: Panel; look: Look }) {
  const heading = useId();
  const { data, error } = useQuery({
    queryKey: ["panel", panel, look.from, look.to, look.now, look.values],
    queryFn: ({ signal }) => find(panel, look, signal),
    // What was shown stays while the same is asked again, and not when something else is.
    placeholderData: (before, query) => (sameLook(query?.queryKey, look) ? before : undefined),
  });
  const Kind = KINDS[panel.type];
  return (
    <article
      aria-labelledby={heading}
      className="flex min-w-0 flex-col rounded-xl border bg-surface p-3 shadow-card"
      data-type={panel.type}
      style={{ "--columns": panel.gridPos.w } as CSSProperties}
    >
      <h3 id={heading} className="font-medium text-sm">
        {panel.title}
      </h3>
      <details className="mb-1 text-ink-soft text-xs">
        <summary className="w-fit">What is this?</summary>
        <p className="py-1">{panel.description}</p>
        {panel.targets?.map(({ refId, expr }) => (
          <pre key={refId} className="mt-1 overflow-x-auto rounded bg-sunken p-2 font-mono">
            {expr}
          </pre>
        ))}
      </details>
      {error ? (
        <p role="alert" className="text-bad text-sm">
          {error.message}
        </p>
      ) : !Kind ? (
        <p className="text-ink-soft text-sm">Panels of the type {panel.type} are shown by Grafana only.</p>
      ) : !data ? (
        <p className="text-ink-soft text-sm">Asking…</p>
      ) : data.results.every(({ series }) => series.length === 0) ? (
        <p className="text-ink-soft text-sm">Nothing is found.</p>
      ) : (
        <Kind panel={panel} found={data} />
      )}
    </article>
  );
}

function sameLook(key: readonly unknown[] | undefined, look: Look): boolean {
  const [, , from, to, , values] = key ?? [];
  return from === look.from && to === look.to && JSON.stringify(values) === JSON.stringify(look.values);
}
