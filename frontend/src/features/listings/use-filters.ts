import { startTransition, useCallback, useLayoutEffect, useMemo, useOptimistic, useRef } from "react";
import { useLocation, useNavigate } from "react-router";
import { canonical, type Filters, parseFilters, toSearch } from "./filters";

/** `split` has the map beside the list where there is room for both, and the list alone where there is not. */
export type View = "split" | "list" | "map";

interface Searching {
  filters: Filters;
  view: View;
}

function parse(search: string): Searching {
  const parameters = new URLSearchParams(search);
  const view = parameters.get("view");
  return { filters: parseFilters(parameters), view: view === "list" || view === "map" ? view : "split" };
}

function write({ filters, view }: Searching): string {
  const search = toSearch(filters);
  if (view !== "split") search.set("view", view);
  return search.toString();
}

/**
 * The filters and the view in the address bar. A change is a step that the back button undoes, unless it continues the
 * one before. The router takes a moment: until it is there, the controls already show what was chosen and the next
 * change adds to it.
 */
export function useFilters() {
  const { search } = useLocation();
  const navigate = useNavigate();
  const addressed = useMemo(() => parse(search), [search]);
  const [shown, showAlready] = useOptimistic(addressed);
  const latest = useRef(shown);
  useLayoutEffect(() => {
    latest.current = shown;
  }, [shown]);
  const go = useCallback(
    (wanted: Searching, how: { replace?: boolean; preventScrollReset?: boolean }) => {
      latest.current = wanted;
      startTransition(async () => {
        showAlready(wanted);
        await navigate({ pathname: ".", search: write(wanted) }, how);
      });
    },
    [navigate, showAlready],
  );
  const change = useCallback(
    (next: (now: Filters) => Filters, { replace = false } = {}) =>
      go({ ...latest.current, filters: canonical(next(latest.current.filters)) }, { replace }),
    [go],
  );
  const setView = useCallback((view: View) => go({ ...latest.current, view }, { preventScrollReset: true }), [go]);
  return { filters: shown.filters, view: shown.view, search: write(shown), change, setView };
}

export type ChangeFilters = ReturnType<typeof useFilters>["change"];
