/** The colour of a value by its thresholds, and of series by their number. */
import type { Step } from "./model";

/** Tokens of the web app, by the names that dashboards use. */
const TOKENS: Record<string, string> = {
  green: "var(--on-good-soft)",
  yellow: "var(--on-warn-soft)",
  red: "var(--bad)",
  blue: "var(--ink)",
};
export const SERIES = 8;

/** The name of the colour that a value has: the last step that it reaches. */
export function stateOf(value: number | null | undefined, steps: Step[] = []): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "blue";
  return (
    steps.findLast((step) => step.value === null || step.value === undefined || value >= step.value)?.color ?? "blue"
  );
}

export const tokenOf = (name: string): string => TOKENS[name] ?? "var(--ink)";

export const seriesToken = (number: number): string => `var(--series-${(number % SERIES) + 1})`;

/** A token as a canvas takes it: the colour that it has in this theme. */
export function resolved(token: string, near: HTMLElement): string {
  const probe = document.createElement("span");
  probe.style.color = token;
  near.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
