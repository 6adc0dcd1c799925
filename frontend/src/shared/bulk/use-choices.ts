/** What somebody takes columns for, until the file is checked anew with it. */
import type { UseMutationResult } from "@tanstack/react-query";
import { useState } from "react";
import type { BulkImport, ImportMapping } from "@/shared/api/types";

type Field = ImportMapping[string];
type Chosen = ReadonlyMap<string, Field>;

export interface Choices {
  /** What is chosen and not checked yet, by column. */
  changed: Chosen;
  choose: (column: string, field: Field) => void;
  reset: () => void;
  /** Has the file checked anew. What was refused, or chosen meanwhile, stays chosen. */
  check: () => void;
}

export function useChoices({ columns }: BulkImport, map: UseMutationResult<BulkImport, Error, ImportMapping>): Choices {
  const [chosen, setChosen] = useState<Chosen>(new Map());
  const held = new Map(columns.map(({ name, field }) => [name, field]));
  const changed = new Map([...chosen].filter(([name, field]) => held.get(name) !== field));
  const settle = () => setChosen((now) => new Map([...now].filter(([name, field]) => changed.get(name) !== field)));
  return {
    changed,
    choose: (column, field) => setChosen((now) => new Map(now).set(column, field)),
    reset: () => {
      setChosen(new Map());
      if (map.isError) map.reset();
    },
    check: () => map.mutate(Object.fromEntries(changed), { onSuccess: settle }),
  };
}
