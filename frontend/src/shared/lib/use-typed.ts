import { useEffect, useRef, useState } from "react";
import { useDebouncedCall } from "@/shared/lib/use-debounced";

interface Typed<T> {
  /** What is in force, from the address. */
  value: T;
  /** A value as the box shows it, and what a text typed into the box means. */
  show: (value: T) => string;
  read: (text: string) => T;
  /** How long typing pauses before it takes effect, ms. */
  delay: number;
  onChange: (value: T, how: { replace: boolean }) => void;
}

/**
 * The text of a box whose value is kept in the address. While someone types, the box leads and the address follows; a
 * value that the box did not set itself, as by the back button, is taken at once and ends an edit that was under way.
 * One visit to the box is one step for the back button.
 */
export function useTyped<T>({ value, show, read, delay, onChange }: Typed<T>) {
  const [text, setText] = useState(() => show(value));
  const known = useRef(value);
  const pushed = useRef(false);
  const { schedule, flush, cancel } = useDebouncedCall((typed: string) => {
    const next = read(typed);
    if (next === known.current) return;
    known.current = next;
    onChange(next, { replace: pushed.current });
    pushed.current = true;
  }, delay);
  useEffect(() => {
    if (value === known.current) return;
    known.current = value;
    pushed.current = false;
    cancel();
    setText(show(value));
  }, [value, show, cancel]);
  return {
    text,
    type(typed: string): void {
      setText(typed);
      schedule(typed);
    },
    flush,
    leave(): void {
      flush();
      pushed.current = false;
    },
    /** The text stood for something else, which the caller puts in its place: how that step enters the history. */
    take(): { replace: boolean } {
      cancel();
      setText("");
      const replace = pushed.current;
      pushed.current = false;
      return { replace };
    },
    /** Nothing typed is to take effect any more, as when the page is left. */
    drop: cancel,
  };
}
