import { useQuery } from "@tanstack/react-query";
import { useLive } from "@/shared/lib/use-live";
import { isUnderWay, oneJobQuery } from "./job";
import { rarely, useChanges } from "./use-changes";

const NOTHING_ELSE = {};

/** One job until it has ended: as the stream tells it, or by asking where there is none. */
export function useJob(id: string) {
  const live = useChanges(NOTHING_ELSE);
  const { refetchInterval } = { ...useLive(), ...rarely(live) };
  return useQuery({
    ...oneJobQuery(id),
    refetchInterval: (query) => {
      if (query.state.data && !isUnderWay(query.state.data)) return false;
      return typeof refetchInterval === "number" ? refetchInterval : refetchInterval(query);
    },
  });
}
