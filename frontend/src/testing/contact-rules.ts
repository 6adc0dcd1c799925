/** How the fake app judges rows about contacts. */
import type { BulkImport, ImportFault } from "../shared/api/types";
import type { KeptContact } from "./crm.ts";
import { cellFor, faultsOf, type Table } from "./tables.ts";

export const FIELDS: BulkImport["fields"] = [
  { name: "name", label: "Name", required: true },
  { name: "emails", label: "Email addresses", required: false },
  { name: "phones", label: "Phone numbers", required: false },
  { name: "source", label: "Source", required: false },
  { name: "tags", label: "Tags", required: false },
  { name: "stage", label: "Stage", required: false },
  { name: "assigned_to", label: "Looked after by", required: false },
];

export const MEANS: Record<string, string> = {
  name: "name",
  "full name": "name",
  email: "emails",
  emails: "emails",
  phone: "phones",
  phones: "phones",
  source: "source",
  tags: "tags",
  stage: "stage",
};

export interface Given {
  name: string;
  emails: string[];
  phones: string[];
  source: string;
  tags: string[];
  stage: string;
}

export type Verdict = { kind: "create" | "unchanged"; given: Given } | { kind: "update"; given: Given; id: string };

const several = (text: string) => text.split(/[;,]/).flatMap((part) => part.trim() || []);

function given(row: Table["rows"][number], columns: Table["columns"]): Given {
  const value = (field: string) => cellFor(row, columns, field);
  return {
    name: value("name"),
    emails: several(value("emails")),
    phones: several(value("phones")),
    source: value("source"),
    tags: several(value("tags")),
    stage: value("stage"),
  };
}

interface House {
  contacts: KeptContact[];
  stages: { id: string; name: string }[];
}

/** Every row either does something or is faulty; what somebody has already is not overwritten. */
export function judge({ rows, columns }: Table, { contacts, stages }: House) {
  const seen = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const faults: ImportFault[] = [];
  rows.forEach((row, index) => {
    const number = index + 2;
    const it = given(row, columns);
    const fault = faultsOf(row, number, columns, faults);
    const told = faults.length;
    for (const email of it.emails.filter((each) => !each.includes("@")))
      fault("emails", "not-an-email", "This is not a mail address.", email);
    if (it.stage && !stages.some(({ name }) => name === it.stage))
      fault("stage", "unknown-stage", "There is no such stage.");
    if (faults.length > told) return;
    const verdict = verdictOf(it, contacts);
    const again = it.emails.find((email) => seen.has(email));
    if (verdict.kind === "create" && !it.name) fault("name", "missing", "A new contact needs a name.");
    else if (again) fault("emails", "repeated", `Row ${seen.get(again)} is about the same contact.`, again);
    else {
      verdicts.push(verdict);
      for (const email of it.emails) seen.set(email, number);
    }
  });
  return { verdicts, faults };
}

function verdictOf(it: Given, contacts: KeptContact[]): Verdict {
  const known = contacts.find(({ emails }) => emails.some((email) => it.emails.includes(email)));
  if (!known) return { kind: "create", given: it };
  const adds = it.tags.some((tag) => !known.tags.includes(tag)) || (known.phones.length === 0 && it.phones.length > 0);
  return adds ? { kind: "update", given: it, id: known.id } : { kind: "unchanged", given: it };
}
