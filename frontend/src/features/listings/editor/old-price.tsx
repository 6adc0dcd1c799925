import { useState } from "react";
import { decimal, type MoneyLike, money } from "@/shared/lib/format";
import { useDraft, useDraftState } from "./use-draft";
import { isSame, isUnfinished, type Value } from "./values";

const isPrice = (value: Value): value is MoneyLike =>
  typeof value === "object" && value !== null && "amount" in value && !isUnfinished(value);

/** A price that is being changed shows what it was when the editor was opened. */
export function OldPrice() {
  const draft = useDraft();
  useDraftState();
  const [before] = useState(() => draft.value("list_price"));
  const now = draft.value("list_price");
  if (!isPrice(before) || !isPrice(now) || isSame(before, now)) return null;
  const change = ((now.amount - before.amount) / before.amount) * 100;
  return (
    <>
      Was <s>{money(before)}</s>, {change > 0 ? "up" : "down"} {decimal(Math.abs(change), 1)} %
    </>
  );
}
