import { useEffect, useRef } from "react";

/** Calls `act` with the value once it has stopped changing for `delay` ms; `flush` acts at once. */
export function useDebouncedCall<T>(act: (value: T) => void, delay: number) {
  const latest = useRef(act);
  const timer = useRef<number>(undefined);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return {
    schedule(value: T): void {
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(() => latest.current(value), delay);
    },
    flush(value: T): void {
      window.clearTimeout(timer.current);
      latest.current(value);
    },
    cancel(): void {
      window.clearTimeout(timer.current);
    },
  };
}
