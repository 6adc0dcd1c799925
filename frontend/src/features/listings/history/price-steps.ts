/** The list price over time, from a listing's history. Pure. */
import type { HistoryEntry } from "@/shared/api/types";
import type { MoneyLike } from "@/shared/lib/format";

export interface PriceStep {
  at: string;
  price: MoneyLike;
}

const isPrice = (value: unknown): value is MoneyLike =>
  typeof value === "object" && value !== null && "amount" in value && Number(value.amount) > 0;

/** The oldest first. What the first change started from is where the line begins. */
export function priceSteps(newestFirst: readonly HistoryEntry[]): PriceStep[] {
  const changes = newestFirst.filter(({ field }) => field === "list_price").toReversed();
  const steps = changes.flatMap(({ at, to_value: price }) => (isPrice(price) ? [{ at, price }] : []));
  const first = changes[0];
  const start = newestFirst.at(-1)?.at;
  if (!first || !isPrice(first.from_value) || !start) return steps;
  return [{ at: start, price: first.from_value }, ...steps];
}
