import { useEffect, useMemo, useRef, useState } from "react";

/** Calls `act` with a value once no newer one came for `delay` ms. `flush` acts at once, if a value waits. */
export function useDebouncedCall<T>(act: (value: T) => void, delay: number) {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  const call = useMemo(() => {
    let timer: number | undefined;
    let waiting: { value: T } | undefined;
    const cancel = (): void => {
      window.clearTimeout(timer);
      waiting = undefined;
    };
    const flush = (): void => {
      const due = waiting;
      cancel();
      if (due) latest.current(due.value);
    };
    const schedule = (value: T): void => {
      cancel();
      waiting = { value };
      timer = window.setTimeout(flush, delay);
    };
    return { schedule, flush, cancel };
  }, [delay]);
  useEffect(() => call.cancel, [call]);
  return call;
}

/** A value that changes only once it has stood still for `delay` ms. */
export function useDebounced<T>(value: T, delay: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), delay);
    return () => window.clearTimeout(timer);
  }, [value, delay]);
  return settled;
}
