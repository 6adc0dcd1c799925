/** How the fake app reads tables of contacts and judges their rows. */
import type { BulkImport, ImportFault, ImportFieldName } from "../shared/api/types";
import type { KeptContact } from "./crm.ts";

export const FIELDS: BulkImport["fields"] = [
  { name: "name", label: "Name", required: true },
  { name: "emails", label: "Email addresses", required: false },
  { name: "phones", label: "Phone numbers", required: false },
  { name: "source", label: "Source", required: false },
  { name: "tags", label: "Tags", required: false },
  { name: "stage", label: "Stage", required: false },
  { name: "assigned_to", label: "Looked after by", required: false },
];

const NAMES: Record<string, ImportFieldName> = {
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

type Row = Record<string, string>;

export interface Table {
  columns: BulkImport["columns"];
  rows: Row[];
}

const cells = (line: string): string[] =>
  [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    (quoted?.replaceAll('""', '"') ?? plain ?? "").trim(),
  );

/** Nothing for what is no table. */
export function readTable(text: string): Table | undefined {
  const [header = "", ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (text.includes("\0") || header.startsWith("%")) return undefined;
  const names = cells(header);
  const rows = lines.map((line) => Object.fromEntries(cells(line).map((value, at) => [names[at] ?? "", value])));
  const columns = names.map((name) => ({
    name,
    sample: rows.flatMap((row) => row[name] || []).slice(0, 3),
    field: NAMES[name.toLowerCase()] ?? null,
  }));
  return { columns, rows };
}

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

function given(row: Row, columns: BulkImport["columns"]): Given {
  const value = (field: ImportFieldName) =>
    columns.flatMap(({ name, field: held }) => (held === field && row[name]) || [])[0] ?? "";
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
    const fault = (field: ImportFieldName, value: string, code: string, message: string) =>
      faults.push({
        row: number,
        column: columns.find((column) => column.field === field)?.name ?? null,
        field,
        value,
        code,
        message,
      });
    const bad = it.emails.find((email) => !email.includes("@"));
    const earlier = it.emails.flatMap((email) => seen.get(email) ?? [])[0];
    for (const email of it.emails) seen.set(email, number);
    if (bad) fault("emails", bad, "no-address", "This is no mail address.");
    else if (earlier) fault("emails", it.emails[0] ?? "", "repeated", `Row ${earlier} has this address, too.`);
    else if (it.stage && !stages.some(({ name }) => name === it.stage))
      fault("stage", it.stage, "unknown-stage", "There is no such stage.");
    else {
      const verdict = verdictOf(it, contacts);
      if (verdict.kind === "create" && !it.name) fault("name", "", "missing", "A new contact needs a name.");
      else verdicts.push(verdict);
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
