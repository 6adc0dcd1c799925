/** How often a list that others change is read anew: quickly while someone is at it, seldom while nobody is. */
import { useSyncExternalStore } from "react";

const QUICK_MS = 1_000;
const SLOW_MS = 15_000;
const AT_IT_MS = 60_000;

const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchmove", "focus"] as const;
const listeners = new Set<() => void>();
let isAtIt = true;
let timer: number | undefined;

function set(value: boolean): void {
  if (isAtIt === value) return;
  isAtIt = value;
  for (const listener of listeners) listener();
}

function onSign(): void {
  window.clearTimeout(timer);
  timer = window.setTimeout(() => set(false), AT_IT_MS);
  set(true);
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    for (const sign of SIGNS) window.addEventListener(sign, onSign, { capture: true, passive: true });
    onSign();
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    for (const sign of SIGNS) window.removeEventListener(sign, onSign, { capture: true });
    window.clearTimeout(timer);
  };
}

/** Of a list that was loaded page by page: all of them are read again, so each makes the pause longer. */
const pagesOf = (data: unknown): number =>
  typeof data === "object" && data !== null && "pages" in data && Array.isArray(data.pages) ? data.pages.length : 1;

/** For the options of a query that may be some seconds old, whoever is at it; hidden windows read nothing. */
export const followed = {
  refetchInterval: ({ state }: { state: { data: unknown } }) => SLOW_MS * pagesOf(state.data),
};

/** For a query's options; hidden windows read nothing until they are looked at again. */
export function useLive() {
  const pause = useSyncExternalStore(subscribe, () => (isAtIt ? QUICK_MS : SLOW_MS));
  return {
    refetchInterval: ({ state }: { state: { data: unknown } }) => pause * pagesOf(state.data),
    refetchOnWindowFocus: "always" as const,
  };
}
