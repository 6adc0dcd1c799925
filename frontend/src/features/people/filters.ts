/** Which people are looked for, as the address bar holds it. */
import type { Role, User, UserQuery } from "@/shared/api/types";
import { ROLES } from "./rights";

export const STATES = { active: "Active", deactivated: "Deactivated", all: "Active and deactivated" } as const;
export type StateFilter = keyof typeof STATES;

export interface PeopleFilters {
  q: string;
  role: Role | "";
  office: User["office_id"] | "";
  state: StateFilter;
}

export const NO_FILTERS: PeopleFilters = { q: "", role: "", office: "", state: "active" };

const MAX_TEXT = 200;
const UUID = /^[\w-]{1,40}$/;

/** Reads a query string; what it does not understand is left out, never passed on. */
export function parseFilters(search: URLSearchParams): PeopleFilters {
  const role = search.get("role") ?? "";
  const office = search.get("office") ?? "";
  const state = search.get("state") ?? "";
  return {
    q: (search.get("q") ?? "").trim().slice(0, MAX_TEXT),
    role: ROLES.find((each) => each === role) ?? "",
    office: UUID.test(office) ? office : "",
    state: state in STATES ? (state as StateFilter) : "active",
  };
}

export function toSearch({ q, role, office, state }: PeopleFilters): string {
  const search = new URLSearchParams();
  if (q) search.set("q", q);
  if (role) search.set("role", role);
  if (office) search.set("office", office);
  if (state !== "active") search.set("state", state);
  return search.toString();
}

export const toQuery = ({ q, role, office, state }: PeopleFilters): UserQuery => ({
  ...(q && { q }),
  ...(role && { role }),
  ...(office && { office_id: office }),
  ...(state !== "all" && { state }),
});
