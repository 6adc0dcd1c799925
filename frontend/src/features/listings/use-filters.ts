import { startTransition, useCallback, useLayoutEffect, useMemo, useOptimistic, useRef } from "react";
import { useLocation, useNavigate } from "react-router";
import { type Filters, parseFilters, toSearch } from "./filters";

/**
 * The filters in the address bar. A change is a step that the back button undoes, unless it continues the one before.
 * The router takes a moment: until it is there, the controls already show what was chosen and the next change adds to it.
 */
export function useFilters() {
  const { search } = useLocation();
  const navigate = useNavigate();
  const addressed = useMemo(() => parseFilters(new URLSearchParams(search)), [search]);
  const [filters, showAlready] = useOptimistic(addressed);
  const latest = useRef(filters);
  useLayoutEffect(() => {
    latest.current = filters;
  }, [filters]);
  const change = useCallback(
    (next: (now: Filters) => Filters, { replace = false } = {}) => {
      const wanted = next(latest.current);
      latest.current = wanted;
      startTransition(async () => {
        showAlready(wanted);
        await navigate({ pathname: ".", search: toSearch(wanted).toString() }, { replace });
      });
    },
    [navigate, showAlready],
  );
  return { filters, change };
}

export type ChangeFilters = ReturnType<typeof useFilters>["change"];
