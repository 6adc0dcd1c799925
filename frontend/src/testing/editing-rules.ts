/** What the fake app allows, and what it refuses. */
import type { PropertyDetail, StandardStatus } from "../shared/api/types";

type Errors = { pointer: string; detail: string }[];

export const MOVES: Partial<Record<StandardStatus, StandardStatus[]>> = {
  Incomplete: ["Coming Soon", "Active", "Delete"],
  "Coming Soon": ["Active"],
  Active: ["Active Under Contract", "Hold", "Expired", "Withdrawn", "Canceled"],
  Hold: ["Active"],
  "Active Under Contract": ["Pending", "Active"],
  Pending: ["Closed", "Active"],
  Closed: ["Active", "Pending", "Closed"],
};
const NEEDED = {
  unparsed_address: "street address",
  city: "city",
  list_price: "list price",
  property_type: "type",
  list_agent_id: "agent",
};
export const TRACKED = ["list_price", "standard_status", "close_price"] as const;

function isMissing(home: PropertyDetail, name: string): boolean {
  const value = (home as unknown as Record<string, unknown>)[name];
  return name === "list_price" ? home.list_price.amount === 0 : value == null || value === "";
}

/** What a listing lacks to be shown. */
export const lacks = (home: PropertyDetail): Errors =>
  Object.entries(NEEDED)
    .filter(([name]) => isMissing(home, name))
    .map(([name, words]) => ({ pointer: `/${name}`, detail: `A published listing has a ${words}.` }));

export function errorsOf(patch: Partial<PropertyDetail>): Errors {
  const year = { pointer: "/year_built", detail: "Lies too far in the future." };
  const price = { pointer: "/list_price/amount", detail: "Must be more than nothing." };
  return [
    ...(Number(patch.year_built) > 2031 ? [year] : []),
    ...(patch.list_price && patch.list_price.amount <= 0 ? [price] : []),
  ];
}

export function trim(patch: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(patch)) if (typeof value === "string") patch[name] = value.trim();
}
