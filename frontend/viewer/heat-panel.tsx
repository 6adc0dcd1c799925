/** How many answers took how long, over time: the darker, the more. */
import { heatOf } from "./frames";
import type { Panel } from "./model";
import type { Found } from "./panel-card";
import { shown } from "./units";

const [WIDTH, HEIGHT] = [600, 220];

export function HeatPanel({ panel, found }: { panel: Panel; found: Found }) {
  const { times, ends, counts } = heatOf(found.results, found.span);
  const most = Math.max(...counts.flat().map((count) => count ?? 0), 0);
  const [cell, bucket] = [WIDTH / Math.max(times.length, 1), HEIGHT / Math.max(ends.length, 1)];
  const words = (end: number) => (Number.isFinite(end) ? `≤ ${shown(end, "s")}` : "longer");
  const sums = counts.map((row) => row.reduce<number>((sum, count) => sum + (count ?? 0), 0));
  const all = sums.reduce((sum, one) => sum + one, 0);
  return (
    <div className="grid grid-cols-[auto_1fr_auto] gap-2 text-ink-soft text-xs">
      <ul className="flex flex-col-reverse justify-around text-right" aria-label={panel.title}>
        {ends.map((end, number) => (
          <li key={end}>
            {words(end)}
            <span className="sr-only">: {shown(all > 0 ? (sums[number] ?? 0) / all : 0, "percentunit")}</span>
          </li>
        ))}
      </ul>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" className="h-[220px] w-full" aria-hidden>
        {counts.flatMap((row, number) =>
          row.map((count, at) =>
            count && most > 0 ? (
              <rect
                key={`${ends[number]} ${times[at]}`}
                x={at * cell}
                y={HEIGHT - (number + 1) * bucket}
                width={cell + 0.5}
                height={bucket - 1}
                style={{ fill: "var(--series-1)", opacity: 0.15 + (0.85 * count) / most }}
              />
            ) : null,
          ),
        )}
      </svg>
      <ul className="flex flex-col-reverse justify-around" aria-hidden>
        {ends.map((end, number) => (
          <li key={end}>{shown(all > 0 ? (sums[number] ?? 0) / all : 0, "percentunit")}</li>
        ))}
      </ul>
    </div>
  );
}
