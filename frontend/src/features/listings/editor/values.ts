/** What a field of the editor holds, how two such values compare, and how typed text becomes one. Pure. */
import type { MoneyLike } from "@/shared/lib/format";

/** Text that stands in a box and is no value, or not yet: it is kept and shown, but not sent. */
export interface Unfinished {
  text: string;
}

export type Value = string | number | boolean | null | readonly string[] | MoneyLike | Unfinished;

export const isUnfinished = (value: unknown): value is Unfinished =>
  typeof value === "object" && value !== null && "text" in value;

const isMoney = (value: unknown): value is MoneyLike =>
  typeof value === "object" && value !== null && "amount" in value;

/** Nothing, an empty text and an empty list are the same: no statement. */
const isNothing = (value: unknown): boolean =>
  value == null || value === "" || (Array.isArray(value) && value.length === 0);

export function isSame(one: unknown, other: unknown): boolean {
  if (isNothing(one) || isNothing(other)) return isNothing(one) && isNothing(other);
  if (isMoney(one) && isMoney(other)) return one.amount === other.amount && one.currency === other.currency;
  if (isUnfinished(one) && isUnfinished(other)) return one.text === other.text;
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => item === other[index]);
  return one === other;
}

const GROUPED = String.raw`(\d{1,3}(?:,\d{3})+|\d+)`;
const NUMBER = new RegExp(String.raw`^(-?)${GROUPED}(\.\d*)?$`);

/** `1,234.5` → 1234.5; nothing → null; anything else stays unfinished. */
export function readNumber(text: string, { whole = false } = {}): number | null | Unfinished {
  const trimmed = text.trim();
  if (trimmed === "") return null;
  const match = NUMBER.exec(trimmed);
  if (!match || (whole && match[3] !== undefined)) return { text };
  return Number(trimmed.replaceAll(",", ""));
}

/**
 * `450,000` and `$450000.50` in minor units of the currency, digit by digit, so that no cent is lost to binary
 * fractions. More decimals than the currency has stay unfinished: nothing is rounded behind anyone's back.
 */
export function readMoney(text: string, currency: string, digits: number): MoneyLike | null | Unfinished {
  const trimmed = text.replace(/[\s\p{Sc}]/gu, "");
  if (trimmed === "") return null;
  const match = new RegExp(String.raw`^${GROUPED}(?:\.(\d{0,${digits}}))?$`).exec(trimmed);
  if (!match || (digits === 0 && trimmed.includes("."))) return { text };
  const amount = Number(`${match[1]?.replaceAll(",", "")}${(match[2] ?? "").padEnd(digits, "0")}`);
  return Number.isSafeInteger(amount) ? { amount, currency } : { text };
}
