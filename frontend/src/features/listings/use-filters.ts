import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSearchParams } from "react-router";
import { type Filters, parseFilters, toSearch } from "./filters";

/** The filters in the address bar. A change is a step that the back button undoes, unless it continues the one before. */
export function useFilters() {
  const [search, setSearch] = useSearchParams();
  const addressed = useMemo(() => parseFilters(search), [search]);
  // The router takes a moment. Until then the controls already show what was chosen, and a second change adds to the first.
  const [filters, setFilters] = useState(addressed);
  const latest = useRef(addressed);
  useEffect(() => {
    latest.current = addressed;
    setFilters(addressed);
  }, [addressed]);
  const change = useCallback(
    (next: (now: Filters) => Filters, { replace = false } = {}) => {
      latest.current = next(latest.current);
      setFilters(latest.current);
      setSearch(toSearch(latest.current), { replace });
    },
    [setSearch],
  );
  return { filters, change };
}

export type ChangeFilters = ReturnType<typeof useFilters>["change"];
