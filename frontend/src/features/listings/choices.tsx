import { useState } from "react";
import { count } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import type { ListFilter } from "./filters";
import type { ChangeFilters } from "./use-filters";

interface ChoicesProps {
  legend: string;
  name: ListFilter;
  /** Offered always and first, in this order. */
  options?: readonly string[];
  /** How many listings each value has under the other filters, when the search tells. */
  counts: { value: string; count: number }[] | undefined;
  chosen: string[];
  onChange: ChangeFilters;
}

const FOLDED = 6;

/** Values to tick, each with the listings that it would bring. One that is in force can always be taken off. */
export function Choices({ legend, name, options = [], counts, chosen, onChange }: ChoicesProps) {
  const [unfolded, setUnfolded] = useState(false);
  const all = [...new Set([...options, ...(counts?.map(({ value }) => value) ?? []), ...chosen])];
  if (all.length === 0) return null;
  const isFolded = !unfolded && all.length > FOLDED + 1;
  const shown = isFolded ? all.filter((option, index) => index < FOLDED || chosen.includes(option)) : all;
  const found = counts && new Map(counts.map(({ value, count: listings }) => [value, listings]));
  const toggle = (option: string, on: boolean) =>
    onChange((now) => ({
      ...now,
      [name]: on ? [...now[name], option] : now[name].filter((value) => value !== option),
    }));
  return (
    <fieldset>
      <legend className="mb-1 font-semibold text-sm">{legend}</legend>
      {shown.map((option) => (
        <label key={option} className="-mx-2 flex min-h-9 items-center gap-2.5 rounded-md px-2 text-sm hover:bg-sunken">
          <input
            type="checkbox"
            className="size-4.5 shrink-0 accent-brand"
            aria-label={option}
            checked={chosen.includes(option)}
            onChange={(event) => toggle(option, event.target.checked)}
          />
          <span className="min-w-0 break-words">{option}</span>
          {found && (
            <span className="ml-auto shrink-0 pl-2 text-ink-soft text-xs tabular-nums">
              {count(found.get(option) ?? 0)}
              <span className="sr-only"> listings</span>
            </span>
          )}
        </label>
      ))}
      {all.length > FOLDED + 1 && (
        <Button
          look="link"
          size="text"
          className="mt-1"
          aria-expanded={!isFolded}
          onClick={() => setUnfolded(!unfolded)}
        >
          {isFolded ? `Show all ${all.length}` : "Show fewer"}
          <span className="sr-only">, {legend.toLowerCase()}</span>
        </Button>
      )}
    </fieldset>
  );
}
