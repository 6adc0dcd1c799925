/** Where a visitor came from, by the address of the page; only labels such as the app takes. */
import type { InquiryInput } from "@/shared/api/types";

const NAMES = ["source", "medium", "campaign", "term", "content"] as const;
const LABEL = /^[\p{L}\p{N}_][\p{L}\p{N}_ .&+/~-]{0,59}$/u;

export function utmOf(search: URLSearchParams): NonNullable<InquiryInput["utm"]> {
  const given = NAMES.map((name) => [name, search.get(`utm_${name}`)?.trim() ?? ""] as const);
  return Object.fromEntries(given.filter(([, value]) => LABEL.test(value)));
}
