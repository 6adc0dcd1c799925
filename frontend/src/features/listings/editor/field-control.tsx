/** One field of the form: its label, its control by kind, and what is wrong with it, read together. */
import { type ReactNode, useState } from "react";
import { useTenant } from "@/shared/api/tenant";
import { cn } from "@/shared/lib/cn";
import { currencySign } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { Select } from "@/shared/ui/select";
import { useAgents } from "./agents";
import type { FieldSpec } from "./fields";
import { ListInput } from "./list-input";
import { fromText, toText, UNFINISHED } from "./notation";
import { inputId, useField } from "./use-draft";
import { isSame, isUnfinished, type Value } from "./values";

interface Described {
  id: string;
  "aria-invalid": true | undefined;
  "aria-describedby": string | undefined;
}

interface FrameProps {
  spec: FieldSpec;
  error: string | undefined;
  isInConflict: boolean;
  note?: ReactNode;
  children: (described: Described) => ReactNode;
}

function goToConflict(): void {
  const notice = document.getElementById("conflict");
  notice?.scrollIntoView({ block: "center" });
  notice?.focus({ preventScroll: true });
}

export function Frame({ spec, error, isInConflict, note, children }: FrameProps) {
  const id = inputId(spec.name);
  const parts = [
    spec.hint && `${id}-hint`,
    note && `${id}-note`,
    error && `${id}-error`,
    isInConflict && `${id}-conflict`,
  ];
  const described = parts.filter(Boolean).join(" ") || undefined;
  return (
    <div className={cn("grid content-start gap-1.5", spec.wide && "sm:col-span-2")}>
      <label htmlFor={id} className="font-medium text-sm">
        {spec.label}
        {spec.unit && <span className="font-normal text-ink-soft"> ({spec.unit})</span>}
      </label>
      {children({ id, "aria-invalid": error ? true : undefined, "aria-describedby": described })}
      {spec.hint && (
        <p id={`${id}-hint`} className="text-ink-soft text-sm">
          {spec.hint}
        </p>
      )}
      {note && (
        <p id={`${id}-note`} className="text-ink-soft text-sm empty:hidden">
          {note}
        </p>
      )}
      {isInConflict && (
        <p id={`${id}-conflict`} className="text-bad text-sm">
          Changed by someone else as well.{" "}
          <Button look="link" size="text" onClick={goToConflict}>
            Compare and decide
          </Button>
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="text-bad text-sm">
          {error}
        </p>
      )}
    </div>
  );
}

export function FieldControl({ spec, note }: { spec: FieldSpec; note?: ReactNode }) {
  if (spec.kind === "flag") return <Flag spec={spec} />;
  if (spec.kind === "choice") return <Choice spec={spec} />;
  if (spec.kind === "agent") return <AgentChoice spec={spec} />;
  if (spec.kind === "list") return <ListInput spec={spec} />;
  return <TextBox spec={spec} note={note} />;
}

/** While it is edited the box shows what was typed; from outside, as by undo, it takes the value's own notation. */
function TextBox({ spec, note }: { spec: FieldSpec; note?: ReactNode }) {
  const { currency } = useTenant();
  const field = useField(spec.name);
  const [typed, setTyped] = useState("");
  const [hasFocus, setFocus] = useState(false);
  const isTyped = hasFocus && isAlike(fromText(spec, typed, currency), field.value);
  const unfinished = isUnfinished(field.value) && !hasFocus ? UNFINISHED[spec.kind] : undefined;
  const text = isTyped ? typed : toText(spec, field.value);
  const error = field.problem ?? unfinished;
  return (
    <Frame spec={spec} error={error} isInConflict={field.isInConflict} note={note}>
      {(described) => {
        const props = {
          ...described,
          value: text,
          maxLength: spec.maxLength,
          autoComplete: spec.autoComplete ?? "off",
          onFocus: () => {
            setTyped(text);
            setFocus(true);
          },
          onChange: ({ target }: { target: { value: string } }) => {
            setTyped(target.value);
            field.change(fromText(spec, target.value, currency));
          },
          onBlur: () => {
            setFocus(false);
            field.leave();
          },
        };
        if (spec.kind === "area")
          return <textarea rows={5} className="field field-sizing-content h-auto max-h-96 min-h-28 py-2" {...props} />;
        if (spec.kind !== "money")
          return (
            <input className="field" type={spec.kind === "date" ? "date" : "text"} inputMode={keys(spec)} {...props} />
          );
        return (
          <div className="relative">
            <span className="pointer-events-none absolute inset-y-0 left-3 flex items-center text-ink-soft" aria-hidden>
              {currencySign(currency)}
            </span>
            <input className="field pl-7 tabular-nums" inputMode="decimal" {...props} />
          </div>
        );
      }}
    </Frame>
  );
}

/** The server takes off spaces at the ends and the like: that must not change a text under someone's hands. */
const isAlike = (typed: Value, value: Value): boolean =>
  isSame(typed, value) || (bare(typed) !== undefined && bare(typed) === bare(value));

const bare = (value: Value): string | undefined =>
  typeof value === "string" || value === null ? (value ?? "").replace(/[\s,]+/g, "") : undefined;

/** Phones have no minus on their number pads. */
const keys = ({ kind, name }: FieldSpec) => {
  if (kind === "whole") return "numeric";
  return kind === "decimal" && name !== "longitude" && name !== "latitude" ? "decimal" : undefined;
};

function Choice({ spec }: { spec: FieldSpec }) {
  const field = useField(spec.name);
  const value = field.value === null ? "" : String(field.value);
  const options = [...new Set([...(spec.options ?? []), value])].filter(Boolean);
  return (
    <Frame spec={spec} error={field.problem} isInConflict={field.isInConflict}>
      {(described) => (
        <Select
          {...described}
          value={value}
          onChange={({ target }) => field.change(target.value || null)}
          onBlur={field.leave}
        >
          <option value="">Not stated</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </Select>
      )}
    </Frame>
  );
}

function AgentChoice({ spec }: { spec: FieldSpec }) {
  const field = useField(spec.name);
  const { agents, canChoose } = useAgents();
  return (
    <Frame spec={spec} error={field.problem} isInConflict={field.isInConflict}>
      {(described) => (
        <Select
          {...described}
          disabled={!canChoose}
          value={field.value === null ? "" : String(field.value)}
          onChange={({ target }) => field.change(target.value || null)}
          onBlur={field.leave}
        >
          <option value="">Nobody yet</option>
          {agents.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Frame>
  );
}

function Flag({ spec }: { spec: FieldSpec }) {
  const field = useField(spec.name);
  const id = inputId(spec.name);
  return (
    <div className="sm:col-span-2">
      <label className="-mx-2 flex min-h-10 items-start gap-3 rounded-md px-2 py-1.5 hover:bg-sunken">
        <input
          id={id}
          type="checkbox"
          className="mt-1 size-4.5 shrink-0 accent-brand"
          checked={field.value !== false}
          aria-describedby={`${id}-hint`}
          onChange={({ target }) => {
            field.change(target.checked);
            field.leave();
          }}
        />
        <span className="font-medium">{spec.label}</span>
      </label>
      <p id={`${id}-hint`} className="pl-7.5 text-ink-soft text-sm">
        {field.problem ?? spec.hint}
      </p>
    </div>
  );
}
