import { useCallback, useEffect, useMemo, useRef } from "react";
import { useSearchParams } from "react-router";
import { type Filters, parseFilters, toSearch } from "./filters";

/** The filters in the address bar. A change is a step that the back button undoes, unless it continues the one before. */
export function useFilters() {
  const [search, setSearch] = useSearchParams();
  const filters = useMemo(() => parseFilters(search), [search]);
  // Two changes in quick succession must both count, though the router shows the first one only a moment later.
  const latest = useRef(filters);
  useEffect(() => {
    latest.current = filters;
  }, [filters]);
  const change = useCallback(
    (next: (now: Filters) => Filters, { replace = false } = {}) => {
      latest.current = next(latest.current);
      setSearch(toSearch(latest.current), { replace });
    },
    [setSearch],
  );
  return { filters, change };
}

export type ChangeFilters = ReturnType<typeof useFilters>["change"];
