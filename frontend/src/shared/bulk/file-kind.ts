/** Which files can be imported, and what to do with those that cannot. The server looks at what is inside. */
import { decimal } from "@/shared/lib/format";

export const MOST_ROWS = "20,000";
const MOST_BYTES = 10 * 1024 * 1024;
const TYPES: Record<string, string> = {
  csv: "text/csv",
  tsv: "text/csv",
  txt: "text/csv",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
};

export const ACCEPTED = Object.keys(TYPES)
  .map((ending) => `.${ending}`)
  .join(",");

/** By ending: what can be done about files of other programs. */
const ADVICE: Record<string, string> = {
  xls: "Old Excel files cannot be read. Save it as an Excel workbook (.xlsx) and choose that.",
  ods: "Save it as an Excel workbook (.xlsx) or CSV and choose that.",
  numbers: "In Numbers, export it to Excel or CSV and choose that.",
  json: "Only JSON lines can be read: one {record} a line, in a file whose name ends in .jsonl.",
  vcf: "Business cards cannot be read. Have the program that made it export CSV and choose that.",
};
export const NO_TABLE =
  "This is no table that can be read. Choose a CSV file, an Excel workbook (.xlsx) or JSON lines (.jsonl).";

export const TOO_LARGE = "10 MB can be read. Divide it into several files.";

export type FileKind = { type: string; refusal?: never } | { type?: never; refusal: string };

/** `record`: what each row is about. */
export function fileKind({ name, size }: { name: string; size: number }, record: string): FileKind {
  const ending = name.split(".").at(-1)?.toLowerCase() ?? "";
  const type = TYPES[ending];
  if (!type) return { refusal: (ADVICE[ending] ?? NO_TABLE).replace("{record}", record) };
  if (size === 0) return { refusal: "The file is empty." };
  if (size > MOST_BYTES)
    return { refusal: `The file has ${decimal(Math.ceil(size / 104_857.6) / 10)} MB. ${TOO_LARGE}` };
  return { type };
}
