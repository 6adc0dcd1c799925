/** Which of one's own listings are looked for, as the address bar holds it. */
import type { StandardStatus } from "@/shared/api/types";

/** Those in which a listing of one's own is seen, as it goes from one to the next. */
export const STATUSES: readonly StandardStatus[] = [
  "Incomplete",
  "Coming Soon",
  "Active",
  "Active Under Contract",
  "Pending",
  "Closed",
  "Hold",
  "Withdrawn",
  "Canceled",
  "Expired",
];

export interface MineFilters {
  /** Empty: any. */
  status: StandardStatus | "";
}

/** What it does not understand is left out, never passed on. */
export function parseMine(search: URLSearchParams): MineFilters {
  const given = search.get("status");
  return { status: STATUSES.find((status) => status === given) ?? "" };
}

export const writeMine = ({ status }: MineFilters): string => new URLSearchParams(status ? { status } : {}).toString();

export const toMineQuery = ({ status }: MineFilters) => (status ? { status: [status] } : {});
