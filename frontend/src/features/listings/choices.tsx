import type { ChangeFilters } from "./use-filters";

interface ChoicesProps {
  legend: string;
  name: "type" | "status";
  options: readonly string[];
  chosen: string[];
  onChange: ChangeFilters;
}

export function Choices({ legend, name, options, chosen, onChange }: ChoicesProps) {
  const toggle = (option: string, on: boolean) =>
    onChange((now) => ({
      ...now,
      [name]: on ? [...now[name], option] : now[name].filter((value) => value !== option),
    }));
  // A value from a shared link that this list does not offer can still be taken off.
  const all = [...options, ...chosen.filter((value) => !options.includes(value))];
  return (
    <fieldset>
      <legend className="mb-1 font-semibold text-sm">{legend}</legend>
      {all.map((option) => (
        <label key={option} className="-mx-2 flex min-h-9 items-center gap-2.5 rounded-md px-2 text-sm hover:bg-sunken">
          <input
            type="checkbox"
            className="size-4.5 shrink-0 accent-brand"
            checked={chosen.includes(option)}
            onChange={(event) => toggle(option, event.target.checked)}
          />
          {option}
        </label>
      ))}
    </fieldset>
  );
}
