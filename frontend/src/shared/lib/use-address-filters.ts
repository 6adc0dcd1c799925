import { startTransition, useCallback, useMemo, useOptimistic } from "react";
import { useLocation, useNavigate } from "react-router";

/** How filters stand in an address. Both functions are made once, outside of components. */
interface Form<Filters> {
  parse: (search: URLSearchParams) => Filters;
  write: (filters: Filters) => string;
}

export type ChangeFilters<Filters> = (next: Partial<Filters>, how?: { replace?: boolean }) => void;

/** The filters in the address bar; the controls show a change before the router has it. */
export function useAddressFilters<Filters extends object>({ parse, write }: Form<Filters>) {
  const { search } = useLocation();
  const navigate = useNavigate();
  const addressed = useMemo(() => parse(new URLSearchParams(search)), [parse, search]);
  const [filters, showAlready] = useOptimistic(addressed);
  const change: ChangeFilters<Filters> = useCallback(
    (next, { replace = false } = {}) =>
      startTransition(async () => {
        const wanted = { ...filters, ...next };
        showAlready(wanted);
        await navigate({ pathname: ".", search: write(wanted) }, { replace });
      }),
    [filters, navigate, showAlready, write],
  );
  return { filters, search: write(filters), change };
}
