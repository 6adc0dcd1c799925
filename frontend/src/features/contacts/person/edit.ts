/** Changes to a contact's details that are not saved yet, as a form holds them: lists as lines. */
import type { Contact, ContactChange } from "@/shared/api/types";

export const FIELDS = ["name", "emails", "phones", "tags", "source"] as const;
export type Field = (typeof FIELDS)[number];
export type Edit = Partial<Record<Field, string>>;

export const TITLES: Record<Field, string> = {
  name: "Name",
  emails: "Email addresses",
  phones: "Phone numbers",
  tags: "Tags",
  source: "Source",
};

/** A contact as the form shows it. */
export const typedOf = ({ name, emails, phones, tags, source }: Contact): Record<Field, string> => ({
  name,
  emails: emails.join("\n"),
  phones: phones.map(({ value }) => value).join("\n"),
  tags: tags.join("\n"),
  source,
});

const lines = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

const isList = (field: Field): field is "emails" | "phones" | "tags" => !["name", "source"].includes(field);

const tidied = (field: Field, text: string): string => (isList(field) ? lines(text).join("\n") : text.trim());

/** The fields in which two versions differ. */
export function differing(before: Contact, now: Contact): Field[] {
  const [one, other] = [typedOf(before), typedOf(now)];
  return FIELDS.filter((field) => one[field] !== other[field]);
}

/** What of an edit differs from what is saved, as a merge patch. */
export function changeOf(saved: Contact, edit: Edit): ContactChange {
  const present = typedOf(saved);
  const touched = FIELDS.filter((field) => edit[field] !== undefined && tidied(field, edit[field]) !== present[field]);
  return Object.fromEntries(
    touched.map((field) => [field, isList(field) ? lines(edit[field] ?? "") : (edit[field] ?? "").trim()]),
  );
}
