/** Changes to a person that are not saved yet. */
import type { User, UserChange } from "@/shared/api/types";

export const FIELDS = ["name", "role", "office_id", "team_ids"] as const;
type Field = (typeof FIELDS)[number];
export type Edit = Partial<Pick<User, Field>>;

/** One way to write a value, for comparing: teams have no order. */
const written = (value: Edit[Field]): string =>
  JSON.stringify(Array.isArray(value) ? value.toSorted() : typeof value === "string" ? value.trim() : value);

/** What of an edit differs from what is saved, as a merge patch. */
export function editOf(saved: User, edit: Edit): UserChange {
  const touched = FIELDS.filter((field) => field in edit && written(edit[field]) !== written(saved[field]));
  const change = Object.fromEntries(touched.map((field) => [field, edit[field]])) as Edit;
  return change.name === undefined ? change : { ...change, name: change.name.trim() };
}

/** The fields in which two versions differ. */
export const differing = (before: User, now: User): Field[] =>
  FIELDS.filter((field) => written(before[field]) !== written(now[field]));
