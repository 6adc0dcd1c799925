/** For pages whose data others change: read anew when the stream says so, and by asking where there is none. */
import { type QueryClient, type QueryKey, useQueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { hearOfJob, JOBS } from "./job";
import { readAnew } from "./read-anew";
import { type Change, follow, isLive } from "./stream";

/** How often what is heard of is read all the same. */
const RARELY_MS = 60_000;
const GATHER_MS = 250;

/** Query keys by the resource whose changes they show; all keys below them are meant, too. */
export type ShownBy = Record<string, QueryKey[]>;

/** Many changes at once, as of an import, are one reading. */
function reader(client: QueryClient) {
  const due = new Map<string, QueryKey>();
  const read = () => {
    for (const queryKey of due.values()) readAnew(client, queryKey);
    due.clear();
  };
  return (keys: QueryKey[]) => {
    if (due.size === 0 && keys.length > 0) window.setTimeout(read, GATHER_MS);
    for (const key of keys) due.set(JSON.stringify(key), key);
  };
}

/** `shownBy` must be the same object each time. Whether changes arrive now. */
export function useChanges(shownBy: ShownBy): boolean {
  const client = useQueryClient();
  useEffect(() => {
    const read = reader(client);
    return follow({
      onChange(change: Change) {
        if (change.resource === "job") hearOfJob(client, change);
        read(shownBy[change.resource] ?? []);
      },
      // Of jobs every page hears, so it may have missed the end of one.
      onReset: () => read([...Object.values(shownBy).flat(), JOBS]),
      onState() {},
    });
  }, [client, shownBy]);
  return useIsLive();
}

const watch = (onState: () => void) => follow({ onChange() {}, onReset() {}, onState });

export const useIsLive = () => useSyncExternalStore(watch, isLive);

/** For a query's options, beside those of `useChanges`. */
export const rarely = (live: boolean) => (live ? { refetchInterval: RARELY_MS } : {});
