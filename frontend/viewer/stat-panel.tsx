/** Latest values: one number in the colour of its state, or a bar for each series. */
import { stateOf, tokenOf } from "./colours";
import { named } from "./frames";
import type { Panel } from "./model";
import type { Found } from "./panel-card";
import { shown } from "./units";

interface Props {
  panel: Panel;
  found: Found;
}

/** Words beside the colour, for whoever does not see it. */
const STATES: Record<string, string> = { green: "good", yellow: "look at it", red: "bad" };

export function StatPanel({ panel, found }: Props) {
  const { unit, decimals, thresholds } = panel.fieldConfig?.defaults ?? {};
  const values = named(found.results);
  return (
    <ul className="mt-auto grid gap-1">
      {values.map(({ key, name, value }) => {
        const state = stateOf(value, thresholds?.steps);
        return (
          <li key={key} className="flex flex-wrap items-baseline gap-x-2">
            <span className="font-semibold text-2xl tabular-nums" style={{ color: tokenOf(state) }}>
              {shown(value, unit, decimals)}
            </span>
            {values.length > 1 && <span className="text-ink-soft text-sm">{name}</span>}
            {STATES[state] && <span className="sr-only">{STATES[state]}</span>}
          </li>
        );
      })}
    </ul>
  );
}

export function BarsPanel({ panel, found }: Props) {
  const { unit, decimals, thresholds, max } = panel.fieldConfig?.defaults ?? {};
  const values = named(found.results).toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0));
  const most = max ?? Math.max(...values.map(({ value }) => value ?? 0), 0);
  return (
    <ul className="grid gap-2">
      {values.map(({ key, name, value }) => (
        <li key={key} className="grid gap-1 text-sm">
          <span className="flex justify-between gap-2">
            <span className="truncate">{name}</span>
            <span className="tabular-nums">{shown(value, unit, decimals)}</span>
          </span>
          <span className="h-2 rounded-full bg-sunken" aria-hidden>
            <span
              className="block h-full rounded-full"
              style={{
                width: `${most > 0 ? Math.min(100, (100 * (value ?? 0)) / most) : 0}%`,
                background: tokenOf(stateOf(value, thresholds?.steps)),
              }}
            />
          </span>
        </li>
      ))}
    </ul>
  );
}
