import { useEffect, useState } from "react";

const EVERY_MS = 30_000;

/** The time, kept up to date to half a minute, for words such as "waits 5 min". */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), EVERY_MS);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}
