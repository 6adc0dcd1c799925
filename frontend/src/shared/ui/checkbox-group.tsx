import type { ReactNode } from "react";
import { useId } from "react";

interface CheckboxGroupProps<Id extends string> {
  label: string;
  options: readonly { id: Id; label: string }[];
  value: readonly Id[];
  required?: boolean;
  hint?: ReactNode;
  error?: string | undefined;
  onChange: (value: Id[]) => void;
}

/** Several of a few. `required`: at least one. */
export function CheckboxGroup<Id extends string>(props: CheckboxGroupProps<Id>) {
  const { label, options, value, required = false, hint, error, onChange } = props;
  const id = useId();
  return (
    <fieldset aria-describedby={error && id}>
      <legend className="mb-1 font-medium text-sm">{label}</legend>
      {options.map((option) => (
        <label
          key={option.id}
          className="-mx-2 flex min-h-9 items-center gap-2.5 rounded-md px-2 text-sm hover:bg-sunken"
        >
          <input
            type="checkbox"
            className="size-4.5 shrink-0 accent-brand"
            required={required && value.length === 0}
            checked={value.includes(option.id)}
            onChange={({ target }) =>
              onChange(target.checked ? [...value, option.id] : value.filter((each) => each !== option.id))
            }
          />
          <span className="min-w-0 break-words">{option.label}</span>
        </label>
      ))}
      {hint && <p className="text-ink-soft text-sm">{hint}</p>}
      {error && (
        <p id={id} className="text-bad text-sm">
          {error}
        </p>
      )}
    </fieldset>
  );
}
