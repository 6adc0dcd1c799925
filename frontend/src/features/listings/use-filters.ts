import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { type Filters, parseFilters, toSearch } from "./filters";

/** The filters in the address bar. A change is a step that the back button undoes, unless it continues the one before. */
export function useFilters() {
  const [search, setSearch] = useSearchParams();
  const filters = useMemo(() => parseFilters(search), [search]);
  const change = useCallback(
    (next: (now: Filters) => Filters, { replace = false } = {}) =>
      setSearch((now) => toSearch(next(parseFilters(now))), { replace, state: { keepFocus: true } }),
    [setSearch],
  );
  return { filters, change };
}

export type ChangeFilters = ReturnType<typeof useFilters>["change"];
