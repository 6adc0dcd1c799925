/** What comes in and goes out by files: where it is, and what is said of it. Each feature that has such files has one. */
import type { QueryKey } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import type { Right } from "@/shared/api/session";
import type { BulkImport } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";

/** Name and explanation of a figure. */
export type Figure = [name: string, explanation: string];

export interface Subject {
  /** As its paths in the API begin. */
  path: "people" | "property";
  /** The kind of the job that exports it. */
  exportJob: string;
  /** Below it are the pages of imports: `import` and `imports/…`. */
  home: string;
  /** The page from which imports are begun, and the one that shows what came in. */
  list: string;
  newest: string;
  /** Whoever has it may import. */
  right: Right;
  /** Of queries that show what an import changes. */
  shownBy: QueryKey[];
  /** What it is called. */
  record: string;
  records: string;
  /** What becomes of known ones by an import, and why an undo keeps some. */
  updated: string;
  touched: (kept: number) => string;
  /** What imports are for. */
  intro: string;
  /** What an undo does to so many that were updated, and what it leaves alone. */
  undone: (updated: number) => string;
  kept: string;
  /** What is known, and what is not, when a file comes in again. */
  again: string;
  /** As long as nothing is imported, and once it is. */
  figures: Record<Exclude<keyof BulkImport["counts"], "faulty">, { before: Figure; after: Figure }>;
}

/** “1,204 contacts”. */
export const numbered = ({ record, records }: Subject, number: number): string => plural(number, record, records);

const Given = createContext<Subject | undefined>(undefined);

export const SubjectIs = Given.Provider;

/** Of the page of imports that this is a part of. */
export function useSubject(): Subject {
  const subject = useContext(Given);
  if (!subject) throw new Error("There is no subject of imports here.");
  return subject;
}
