/** How the editor's values are written: into their boxes, and for reading side by side. */
import { day, decimal, type MoneyLike, minorDigits, money } from "@/shared/lib/format";
import { type FieldSpec, photoEdit, specOf } from "./fields";
import { isUnfinished, readMoney, readNumber, type Value } from "./values";

/** Years stand without separators. */
const isGrouped = (spec: FieldSpec): boolean => spec.name !== "year_built";

export function toText(spec: FieldSpec, value: Value): string {
  if (value === null) return "";
  if (isUnfinished(value)) return value.text;
  if (spec.kind === "money") {
    const { amount, currency } = value as MoneyLike;
    const digits = minorDigits(currency);
    const text = String(amount).padStart(digits + 1, "0");
    const [units, cents] = [text.slice(0, text.length - digits), text.slice(text.length - digits)];
    const grouped = units.replace(/\B(?=(\d{3})+$)/g, ",");
    return Number(cents) === 0 ? grouped : `${grouped}.${cents}`;
  }
  if (typeof value === "number") return isGrouped(spec) ? decimal(value, 8) : String(value);
  return String(value);
}

export function fromText(spec: FieldSpec, text: string, currency: string): Value {
  if (spec.kind === "money") return readMoney(text, currency, minorDigits(currency));
  if (spec.kind === "whole" || spec.kind === "decimal") return readNumber(text, { whole: spec.kind === "whole" });
  return text === "" ? null : text;
}

export const UNFINISHED: Partial<Record<FieldSpec["kind"], string>> = {
  money: "Write the amount like 450,000 or 450000.50.",
  whole: "Write a whole number, such as 3.",
  decimal: "Write a number, such as 42.5.",
};

/** For reading, as in a conflict. */
export function shown(name: string, value: Value): string {
  if (value === null || value === "" || (Array.isArray(value) && value.length === 0)) return "Nothing";
  if (isUnfinished(value)) return value.text;
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "object") return money(value as MoneyLike);
  const spec = specOf(name);
  if (spec?.kind === "date") return day(String(value));
  return spec && !photoEdit(name) ? toText(spec, value) : String(value);
}
