import { type ReactNode, useId } from "react";
import { count } from "@/shared/lib/format";
import { useTyped } from "@/shared/lib/use-typed";
import type { NumberFilter } from "./filters";
import type { ChangeFilters } from "./use-filters";

interface Notation {
  /** The most digits that may be typed. */
  digits?: number;
  /** Thousands are set apart, which years are not. */
  grouping?: boolean;
}

interface NumberInputProps extends Notation {
  name: NumberFilter;
  label: string;
  value: number | undefined;
  onChange: ChangeFilters;
}

/** A whole number that takes effect when typing pauses; one visit to the field is one step for the back button. */
function NumberInput({ name, label, value, digits = 9, grouping = true, onChange }: NumberInputProps) {
  const digitsOf = (text: string) => text.replace(/\D/g, "").slice(0, digits);
  const box = useTyped({
    value,
    show: grouping ? grouped : plain,
    read: (text) => Number(digitsOf(text)) || undefined,
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
        const typed = digitsOf(event.target.value);
        box.type(grouping && typed !== "" ? count(Number(typed)) : typed);
      }}
      onBlur={box.leave}
      onKeyDown={(event) => event.key === "Enter" && box.flush()}
    />
  );
}

const grouped = (value: number | undefined) => (value === undefined ? "" : count(value));
const plain = (value: number | undefined) => (value === undefined ? "" : String(value));

interface NumberRangeProps extends Notation {
  legend: string;
  unit?: string;
  min: Pick<NumberInputProps, "name" | "value">;
  max: Pick<NumberInputProps, "name" | "value">;
  onChange: ChangeFilters;
  /** Shown above the two boxes. */
  children?: ReactNode;
}

export function NumberRange({ legend, unit, min, max, onChange, children, ...notation }: NumberRangeProps) {
  const id = useId();
  const crossed = min.value !== undefined && max.value !== undefined && min.value > max.value;
  return (
    <fieldset aria-describedby={crossed ? id : undefined}>
      <legend className="mb-2 font-semibold text-sm">
        {legend} {unit && <span className="font-normal text-ink-soft">({unit})</span>}
      </legend>
      {children}
      <div className="grid grid-cols-[1fr_auto_1fr] items-center gap-2">
        <NumberInput {...min} {...notation} label={`Minimum ${legend.toLowerCase()}`} onChange={onChange} />
        <span className="text-ink-soft" aria-hidden>
          –
        </span>
        <NumberInput {...max} {...notation} label={`Maximum ${legend.toLowerCase()}`} onChange={onChange} />
      </div>
      {crossed && (
        <p id={id} role="status" className="mt-1.5 text-bad text-sm">
          The minimum is above the maximum, so nothing can match.
        </p>
      )}
    </fieldset>
  );
}
