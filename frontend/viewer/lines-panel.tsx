/** Lines over time, with the limits that thresholds are, single requests, and the last values in words. */
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import { useTheme } from "@/shared/lib/theme";
import { resolved, SERIES, seriesToken, tokenOf } from "./colours";
import { type Chart, chartOf, stacked } from "./frames";
import type { Panel, Step } from "./model";
import type { Found } from "./panel-card";
import type { Exemplar } from "./prometheus";
import { shown } from "./units";

const HEIGHT = 220;
const MOST_REQUESTS = 5;

export function LinesPanel({ panel, found }: { panel: Panel; found: Found }) {
  const { unit, decimals } = panel.fieldConfig?.defaults ?? {};
  const [only, setOnly] = useState<string | null>(null);
  const chart = chartOf(found.results, found.span);
  const shownLines = only === null ? chart.lines : chart.lines.filter(({ key }) => key === only);
  return (
    <>
      <Drawing
        panel={panel}
        chart={{ times: chart.times, lines: shownLines }}
        all={chart.lines}
        exemplars={found.exemplars}
      />
      <ul className="mt-1 flex max-h-24 flex-wrap gap-x-4 overflow-y-auto text-xs">
        {chart.lines.map(({ key, name, values }, number) => (
          <li key={key}>
            <button
              type="button"
              className="flex min-h-6 items-center gap-1.5"
              aria-pressed={only === key}
              onClick={() => setOnly(only === key ? null : key)}
            >
              <span aria-hidden className="size-2.5 rounded-full" style={{ background: seriesToken(number) }} />
              {name}
              <span className="text-ink-soft tabular-nums">
                {shown(
                  values.findLast((value) => value !== null),
                  unit,
                  decimals,
                )}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {found.exemplars.length > 0 && <Requests exemplars={found.exemplars} unit={unit} />}
    </>
  );
}

/** The slowest single requests, with the traces that show why. */
function Requests({ exemplars, unit }: { exemplars: Exemplar[]; unit: string | undefined }) {
  const slowest = exemplars.toSorted((a, b) => b.value - a.value).slice(0, MOST_REQUESTS);
  return (
    <details className="mt-1 text-xs">
      <summary className="w-fit text-ink-soft">Slowest requests with a trace</summary>
      <ul>
        {slowest.map(({ at, value, trace }) => (
          <li key={`${trace} ${at}`} className="flex gap-3 tabular-nums">
            <span>{shown(value, unit)}</span>
            <code className="font-mono">{trace}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}

interface DrawingProps {
  panel: Panel;
  chart: Chart;
  all: Chart["lines"];
  exemplars: Exemplar[];
}

function Drawing({ panel, chart, all, exemplars }: DrawingProps) {
  const place = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme's colours are read from the page
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const draw = () => {
      element.replaceChildren();
      return new uPlot(optionsOf(panel, chart, all, exemplars, element), dataOf(panel, chart), element);
    };
    let plot = draw();
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => {
      plot.destroy();
      plot = draw();
    };
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      resized.disconnect();
      plot.destroy();
    };
  }, [panel, chart, all, exemplars, theme]);
  return <div ref={place} className="min-h-[220px]" aria-hidden />;
}

const isStacked = (panel: Panel): boolean => panel.fieldConfig?.defaults.custom?.stacking?.mode === "normal";

function dataOf(panel: Panel, { times, lines }: Chart): uPlot.AlignedData {
  const drawn = isStacked(panel) ? stacked(lines).toReversed() : lines;
  return [times, ...drawn.map(({ values }) => values)];
}

/** Limits that are drawn: the thresholds above the first, where the panel says so. */
export function limitsOf(panel: Panel): Step[] {
  const { thresholds, custom } = panel.fieldConfig?.defaults ?? {};
  return custom?.thresholdsStyle?.mode === "line"
    ? (thresholds?.steps.filter(({ value }) => value !== null) ?? [])
    : [];
}

function optionsOf(
  panel: Panel,
  chart: Chart,
  all: Chart["lines"],
  exemplars: Exemplar[],
  near: HTMLElement,
): uPlot.Options {
  const { unit, min, max } = panel.fieldConfig?.defaults ?? {};
  const [ink, line] = [resolved("var(--ink-soft)", near), resolved("var(--line)", near)];
  const names = isStacked(panel) ? chart.lines.toReversed() : chart.lines;
  const series = names.map(({ key, name }) => {
    const colour = resolved(seriesToken(all.findIndex((one) => one.key === key)), near);
    const fill = isStacked(panel) ? { fill: `color-mix(in oklab, ${colour} 45%, transparent)` } : {};
    return { label: name, stroke: colour, width: 1.5, spanGaps: false, ...fill };
  });
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return {
    width: near.clientWidth || 600,
    height: HEIGHT,
    legend: { show: false },
    cursor: { points: { show: series.length <= SERIES } },
    scales: {
      y: {
        range: (_, low, high) => [
          min ?? low ?? 0,
          max ?? ((high ?? 0) > (min ?? 0) ? (high ?? 0) * 1.08 : (min ?? 0) + 1),
        ],
      },
    },
    axes: [
      { ...axis, values: (_, splits) => splits.map((at) => clock(at, splits)) },
      { ...axis, size: 72, values: (_, splits) => splits.map((value) => shown(value, unit)) },
    ],
    series: [{}, ...series],
    hooks: { draw: [(plot) => mark(plot, limitsOf(panel), exemplars, near)] },
  };
}

/** The time of day; the day, where the marks are days apart. */
function clock(at: number, marks: number[]): string {
  const days = (marks[1] ?? at) - (marks[0] ?? at) >= 86_400;
  const words: Intl.DateTimeFormatOptions = days
    ? { month: "short", day: "numeric" }
    : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  return new Intl.DateTimeFormat(undefined, words).format(at * 1000);
}

/** Draws limits as dashed lines, and single requests as small squares. */
function mark(plot: uPlot, limits: Step[], exemplars: Exemplar[], near: HTMLElement): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { value, color } of limits) {
    const y = plot.valToPos(value ?? 0, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = resolved(tokenOf(color), near);
    ctx.setLineDash([6, 6]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.fillStyle = resolved("var(--ink)", near);
  for (const { at, value } of exemplars) {
    const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(value, "y", true)];
    if (x >= bbox.left && x <= bbox.left + bbox.width && y >= bbox.top) ctx.fillRect(x - 3, y - 3, 6, 6);
  }
  ctx.restore();
}
