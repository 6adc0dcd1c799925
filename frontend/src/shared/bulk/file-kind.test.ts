import { describe, expect, it } from "vitest";
import { fileKind } from "./file-kind";

const MB = 1024 * 1024;

describe("a file to import", () => {
  it.each([
    ["contacts.csv", "text/csv"],
    ["From CRM.TSV", "text/csv"],
    ["export.2026.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
    ["people.jsonl", "application/x-ndjson"],
  ])("%s is sent as %s, whatever the browser takes it for", (name, type) => {
    expect(fileKind({ name, size: 12 }, "contact")).toEqual({ type });
  });

  it.each([
    ["old.xls", /\.xlsx/],
    ["sheet.numbers", /Numbers, export it/],
    ["cards.vcf", /export CSV/],
    ["people.json", /one contact a line, in a file whose name ends in \.jsonl/],
    ["photo.jpg", /no table/],
    ["README", /no table/],
  ])("%s is refused with what to do instead", (name, advice) => {
    expect(fileKind({ name, size: 12 }, "contact").refusal).toMatch(advice);
  });

  it("may have 10 MB and not a byte more, and must not be empty", () => {
    expect(fileKind({ name: "a.csv", size: 10 * MB }, "contact").refusal).toBeUndefined();
    expect(fileKind({ name: "a.csv", size: 10 * MB + 1 }, "contact").refusal).toMatch(/10 MB/);
    expect(fileKind({ name: "a.csv", size: 14.2 * MB }, "contact").refusal).toMatch(/14\.2 MB/);
    expect(fileKind({ name: "a.csv", size: 0 }, "contact").refusal).toBe("The file is empty.");
  });
});
