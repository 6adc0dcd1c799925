import { startTransition, useCallback, useMemo, useOptimistic } from "react";
import { useLocation, useNavigate } from "react-router";
import { type ContactFilters, parseFilters, toSearch } from "./filters";

/** The filters in the address bar; the controls show a change before the router has it. */
export function useContactFilters() {
  const { search } = useLocation();
  const navigate = useNavigate();
  const addressed = useMemo(() => parseFilters(new URLSearchParams(search)), [search]);
  const [filters, showAlready] = useOptimistic(addressed);
  const change = useCallback(
    (next: Partial<ContactFilters>, { replace = false } = {}) =>
      startTransition(async () => {
        const wanted = { ...filters, ...next };
        showAlready(wanted);
        await navigate({ pathname: ".", search: toSearch(wanted) }, { replace });
      }),
    [filters, navigate, showAlready],
  );
  return { filters, search: toSearch(filters), change };
}

export type ChangeFilters = ReturnType<typeof useContactFilters>["change"];
