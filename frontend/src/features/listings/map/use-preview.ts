import { useCallback, useEffect, useRef, useState } from "react";
import type { Pin } from "./pins";

const LINGER = 350;

/** What a pin stands for, from pointing at it until a moment after; the pointer may go over to what is shown. */
export function usePreview() {
  const [pin, setPin] = useState<Pin>();
  const timer = useRef<number>(undefined);
  const keep = useCallback(() => window.clearTimeout(timer.current), []);
  const close = useCallback(() => {
    keep();
    setPin(undefined);
  }, [keep]);
  const show = useCallback(
    (next: Pin) => {
      keep();
      setPin(next.points.length > 0 ? next : undefined);
    },
    [keep],
  );
  const leave = useCallback(
    ({ atOnce }: { atOnce: boolean }) => {
      keep();
      if (atOnce) close();
      else timer.current = window.setTimeout(close, LINGER);
    },
    [keep, close],
  );
  useEffect(() => keep, [keep]);
  return { pin, show, keep, leave, close };
}
