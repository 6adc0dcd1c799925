import type { QueryClient, QueryKey } from "@tanstack/react-query";

/**
 * Reads what is shown below a key as of now. A first reading that is under way may have begun too early: it is let
 * finish, so that there is something to see, and followed by another.
 */
export function readAnew(client: QueryClient, queryKey: QueryKey): void {
  const isFirst = ({ state }: { state: { data: unknown } }) => state.data === undefined;
  for (const first of client.getQueryCache().findAll({ queryKey, fetchStatus: "fetching", predicate: isFirst })) {
    const once = () => client.invalidateQueries({ queryKey: first.queryKey, exact: true }, { cancelRefetch: false });
    first.fetch().then(once, () => {});
  }
  void client.invalidateQueries({ queryKey });
}
