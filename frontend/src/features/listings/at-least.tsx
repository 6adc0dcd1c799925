import { useId } from "react";
import { compact, count } from "@/shared/lib/format";
import type { NumberFilter } from "./filters";
import type { ChangeFilters } from "./use-filters";

interface AtLeastProps {
  legend: string;
  name: NumberFilter;
  value: number | undefined;
  /** How many listings have at least so many, when the search tells. */
  counted?: ((least: number) => number) | undefined;
  onChange: ChangeFilters;
}

/** Any, 1+ … 5+, as one row of radio buttons. */
export function AtLeast({ legend, name, value, counted, onChange }: AtLeastProps) {
  const group = useId();
  const options = [undefined, 1, 2, 3, 4, 5];
  return (
    <fieldset>
      <legend className="mb-2 font-semibold text-sm">{legend}</legend>
      <div className="flex overflow-hidden rounded-lg border border-control has-focus-visible:outline-2 has-focus-visible:outline-brand has-focus-visible:outline-offset-2">
        {options.map((option) => (
          <label
            key={option ?? "any"}
            className="grid min-h-9.5 min-w-0 flex-1 content-center justify-items-center border-control border-l bg-surface py-1 text-sm tabular-nums transition-colors first:border-l-0 hover:bg-sunken has-checked:bg-brand has-checked:font-medium has-checked:text-on-brand"
          >
            <input
              type="radio"
              name={group}
              className="sr-only"
              aria-label={nameOf(option, counted)}
              checked={value === option}
              onChange={() =>
                onChange(({ [name]: _, ...rest }) => (option === undefined ? rest : { ...rest, [name]: option }))
              }
            />
            {option === undefined ? "Any" : `${option}+`}
            {counted && (
              <span className="text-[0.6875rem] leading-3 opacity-80" aria-hidden>
                {compact(counted(option ?? 0))}
              </span>
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function nameOf(option: number | undefined, counted: AtLeastProps["counted"]): string {
  const words = option === undefined ? "Any" : `${option}+`;
  return counted ? `${words}, ${count(counted(option ?? 0))} listings` : words;
}
