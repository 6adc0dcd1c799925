/** The listing under the pointer or the focus, in the list or on the map: each shows it in the other. */
import { createContext, useContext, useMemo, useSyncExternalStore } from "react";
import type { Point } from "./area";

export interface ActiveListing extends Partial<Point> {
  id: string;
}

export class Active {
  #now: ActiveListing | undefined;
  #listeners = new Set<() => void>();

  get now(): ActiveListing | undefined {
    return this.#now;
  }
  set(next: ActiveListing | undefined): void {
    if (this.#now?.id === next?.id) return;
    this.#now = next;
    for (const listener of this.#listeners) listener();
  }
  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

const nowhere = new Active();
export const ActiveContext = createContext(nowhere);

export const useNewActive = (): Active => useMemo(() => new Active(), []);

/** Only the listing that becomes active, or ceases to be, is drawn anew. */
export function useIsActive(id: string): boolean {
  const active = useContext(ActiveContext);
  return useSyncExternalStore(active.subscribe, () => active.now?.id === id);
}

export function useActive(): ActiveListing | undefined {
  const active = useContext(ActiveContext);
  return useSyncExternalStore(active.subscribe, () => active.now);
}

/** Handlers for what stands for a listing. */
export function usePointsAt(listing: ActiveListing) {
  const active = useContext(ActiveContext);
  const enter = () => active.set(listing);
  const leave = () => active.now?.id === listing.id && active.set(undefined);
  return { onPointerEnter: enter, onPointerLeave: leave, onFocus: enter, onBlur: leave };
}
