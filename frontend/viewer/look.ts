/** What is looked at: which time, and which values the variables have. */
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Address } from "./address";
import { asPattern, type Values } from "./expand";
import type { Dashboard, Variable } from "./model";
import { valuesOf } from "./prometheus";

/** Milliseconds between two looks. */
const REFRESH = 30_000;

export interface Look {
  from: string;
  to: string;
  /** Seconds since 1970; goes on by itself. */
  now: number;
  values: Values;
  variables: { variable: Variable; options: string[]; chosen: string[] }[];
  /** Why nothing can be asked yet. */
  missing: string;
  again: () => void;
}

const questionOf = ({ query }: Variable): string => (typeof query === "string" ? query : (query?.query ?? ""));

export function useLook(board: Dashboard, address: Address): Look {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now() / 1000), REFRESH);
    return () => clearInterval(timer);
  }, []);
  const asked = board.templating.list.filter(({ type }) => type === "query");
  const { data, error } = useQuery({
    queryKey: ["variables", board.uid, now],
    queryFn: ({ signal }) => Promise.all(asked.map((variable) => valuesOf(questionOf(variable), signal))),
    placeholderData: (before) => before,
  });
  const variables = asked.map((variable, number) => {
    const options = data?.[number] ?? [];
    const told = address.chosen[variable.name] ?? [];
    // Of one that has to be chosen the first is looked at, until another one is.
    const first = !variable.includeAll && options[0] !== undefined ? [options[0]] : [];
    return { variable, options, chosen: told.length > 0 ? told : first };
  });
  const values: Values = { datasource: "prometheus" };
  for (const { variable, chosen } of variables) values[variable.name] = asPattern(chosen, variable.allValue ?? ".+");
  const unknown = variables.find(({ variable, chosen }) => !variable.includeAll && chosen.length === 0);
  const waits = data ? `Prometheus knows no ${unknown?.variable.name ?? ""} yet.` : "Asking Prometheus…";
  return {
    from: address.from ?? board.time.from,
    to: address.to ?? board.time.to,
    now,
    values,
    variables,
    missing: error ? error.message : unknown ? waits : "",
    again: () => setNow(Date.now() / 1000),
  };
}
