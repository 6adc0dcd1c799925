import { X } from "lucide-react";
import { useRef, useState } from "react";
import { Frame } from "./field-control";
import type { FieldSpec } from "./fields";
import { inputId, useField } from "./use-draft";

/** Several values: each can be taken off, the box adds one by Enter, by a comma, or when it is left. */
export function ListInput({ spec }: { spec: FieldSpec }) {
  const field = useField(spec.name);
  const [typed, setTyped] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const values = Array.isArray(field.value) ? (field.value as string[]) : [];
  const add = (text: string) => {
    const added = text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== "" && !values.includes(part));
    if (added.length > 0) field.change([...values, ...new Set(added)]);
    setTyped("");
  };
  const optionsId = `${inputId(spec.name)}-options`;
  return (
    <Frame spec={spec} error={field.problem} isInConflict={field.isInConflict}>
      {(described) => (
        <>
          <input
            {...described}
            ref={box}
            className="field"
            list={spec.options?.length ? optionsId : undefined}
            placeholder={values.length > 0 ? "Add another" : ""}
            autoComplete="off"
            maxLength={255}
            value={typed}
            onChange={({ target }) => (target.value.endsWith(",") ? add(target.value) : setTyped(target.value))}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
              event.preventDefault();
              add(typed);
            }}
            onBlur={() => {
              add(typed);
              field.leave();
            }}
          />
          {!!spec.options?.length && (
            <datalist id={optionsId}>
              {spec.options
                .filter((option) => !values.includes(option))
                .map((option) => (
                  <option key={option} value={option} />
                ))}
            </datalist>
          )}
          {values.length > 0 && (
            <ul aria-label={`${spec.label}, as chosen`} className="flex flex-wrap gap-1.5">
              {values.map((value) => (
                <li key={value} className="min-w-0">
                  <button
                    type="button"
                    aria-label={`Remove ${value}`}
                    className="inline-flex min-h-7 max-w-full items-center gap-1.5 rounded-full bg-brand-soft py-0.5 pr-2 pl-3 text-left text-on-brand-soft text-sm hover:bg-sunken hover:text-ink"
                    onClick={() => {
                      field.change(values.filter((other) => other !== value));
                      field.leave();
                      box.current?.focus();
                    }}
                  >
                    <span className="min-w-0 break-words">{value}</span>
                    <X className="size-3.5 shrink-0" aria-hidden />
                  </button>
                </li>
              ))}
            </ul>
          )}
        </>
      )}
    </Frame>
  );
}
