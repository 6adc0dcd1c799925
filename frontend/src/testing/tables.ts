/** How the fake app reads tables, and what it asks of whatever its rows are about. */
import type { BulkImport, ImportFault } from "../shared/api/types";

type Row = Record<string, string>;

export interface Table {
  columns: BulkImport["columns"];
  rows: Row[];
}

/** What a good row would do. */
export type Kind = "create" | "update" | "unchanged";

/** What comes in and goes out by files. */
export interface FakeSubject<Verdict extends { kind: Kind }, Effect> {
  path: "people" | "property";
  kind: BulkImport["kind"];
  /** Of its jobs. */
  module: string;
  records: string;
  fields: BulkImport["fields"];
  /** Which field a header means, in small letters. */
  means: Record<string, string>;
  judge(table: Table): { verdicts: Verdict[]; faults: ImportFault[] };
  /** `id`: of the record, if there is a new one. */
  take(verdict: Verdict, id: string): Effect[];
  /** How many could be: whatever was touched since is left alone. */
  takeBack(effects: Effect[]): number;
  /** A header, and a line of each that the filters find. */
  exported(url: URL): string[];
}

const cells = (line: string): string[] =>
  [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    (quoted?.replaceAll('""', '"') ?? plain ?? "").trim(),
  );

/** Nothing for what is no table. */
export function readTable(text: string, means: Record<string, string>): Table | undefined {
  const [header = "", ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (text.includes("\0") || header.startsWith("%")) return undefined;
  const names = cells(header);
  const rows = lines.map((line) => Object.fromEntries(cells(line).map((value, at) => [names[at] ?? "", value])));
  const columns = names.map((name) => ({
    name,
    sample: rows.flatMap((row) => row[name] || []).slice(0, 3),
    field: Object.hasOwn(means, name.toLowerCase()) ? (means[name.toLowerCase()] ?? null) : null,
  }));
  return { columns, rows };
}

/** What a row has for a field, by the first column that fills it. */
export const cellFor = (row: Row, columns: Table["columns"], field: string): string =>
  columns.flatMap(({ name, field: held }) => (held === field && row[name]) || [])[0] ?? "";

/** Takes down what is wrong with a row, as the app tells it: of what has a field with its cell. */
export const faultsOf = (row: Row, number: number, columns: Table["columns"], faults: ImportFault[]) =>
  function fault(field: string | null, code: string, message: string, value?: string): void {
    const column = columns.find((each) => field !== null && each.field === field)?.name ?? null;
    const cell = column === null ? "" : (row[column] ?? "");
    faults.push({ row: number, column, field, value: value ?? cell, code, message });
  };
