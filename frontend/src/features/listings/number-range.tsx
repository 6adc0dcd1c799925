import { useId } from "react";
import { count } from "@/shared/lib/format";
import type { NumberFilter } from "./filters";
import type { ChangeFilters } from "./use-filters";
import { useTyped } from "./use-typed";

interface NumberInputProps {
  name: NumberFilter;
  label: string;
  value: number | undefined;
  onChange: ChangeFilters;
}

const digitsOf = (text: string) => text.replace(/\D/g, "").slice(0, 9);
const numberOf = (text: string) => Number(digitsOf(text)) || undefined;
const shown = (value: number | undefined) => (value === undefined ? "" : count(value));

/** A whole number that takes effect when typing pauses; one visit to the field is one step for the back button. */
function NumberInput({ name, label, value, onChange }: NumberInputProps) {
  const box = useTyped({
    value,
    show: shown,
    read: numberOf,
    delay: 450,
    onChange: (next, how) =>
      onChange(({ [name]: _, ...rest }) => (next === undefined ? rest : { ...rest, [name]: next }), how),
  });
  return (
    <input
      className="field tabular-nums"
      inputMode="numeric"
      autoComplete="off"
      aria-label={label}
      placeholder={label.startsWith("Minimum") ? "No min" : "No max"}
      value={box.text}
      onChange={(event) => {
        const digits = digitsOf(event.target.value);
        box.type(digits === "" ? "" : count(Number(digits)));
      }}
      onBlur={box.leave}
      onKeyDown={(event) => event.key === "Enter" && box.flush()}
    />
  );
}

interface NumberRangeProps {
  legend: string;
  unit: string;
  min: Omit<NumberInputProps, "label" | "onChange">;
  max: Omit<NumberInputProps, "label" | "onChange">;
  onChange: ChangeFilters;
}

export function NumberRange({ legend, unit, min, max, onChange }: NumberRangeProps) {
  const id = useId();
  const crossed = min.value !== undefined && max.value !== undefined && min.value > max.value;
  return (
    <fieldset aria-describedby={crossed ? id : undefined}>
      <legend className="mb-2 font-semibold text-sm">
        {legend} <span className="font-normal text-ink-soft">({unit})</span>
      </legend>
      <div className="grid grid-cols-[1fr_auto_1fr] items-center gap-2">
        <NumberInput {...min} label={`Minimum ${legend.toLowerCase()}`} onChange={onChange} />
        <span className="text-ink-soft" aria-hidden>
          –
        </span>
        <NumberInput {...max} label={`Maximum ${legend.toLowerCase()}`} onChange={onChange} />
      </div>
      {crossed && (
        <p id={id} role="status" className="mt-1.5 text-bad text-sm">
          The minimum is above the maximum, so nothing can match.
        </p>
      )}
    </fieldset>
  );
}
