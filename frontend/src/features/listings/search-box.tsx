import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useDebouncedCall } from "@/shared/lib/use-debounced";
import type { ChangeFilters } from "./use-filters";

/** Text search as you type; one visit to the box is one step for the back button. `data-search` is what `/` focuses. */
export function SearchBox({ value, onChange }: { value: string; onChange: ChangeFilters }) {
  const [text, setText] = useState(value);
  const input = useRef<HTMLInputElement>(null);
  const pushed = useRef(false);
  useEffect(() => {
    // While someone types, the box leads and the address follows.
    if (document.activeElement !== input.current) setText(value);
  }, [value]);
  const commit = useDebouncedCall((typed: string) => {
    const q = typed.trim();
    if (q === value) return;
    onChange(({ q: _, ...rest }) => (q ? { ...rest, q } : rest), { replace: pushed.current });
    pushed.current = true;
  }, 300);
  return (
    <search className="relative min-w-0 flex-1">
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-ink-soft" aria-hidden />
      <input
        ref={input}
        data-search
        type="search"
        className="field px-9.5 [&::-webkit-search-cancel-button]:hidden"
        aria-label="Search listings"
        placeholder="Address, city or words"
        autoComplete="off"
        maxLength={200}
        enterKeyHint="search"
        value={text}
        onFocus={() => {
          pushed.current = false;
        }}
        onBlur={() => commit.flush(text)}
        onChange={(event) => {
          setText(event.target.value);
          commit.schedule(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit.flush(text);
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {text && (
        <button
          type="button"
          aria-label="Clear search"
          className="absolute top-1 right-1 grid size-8 place-items-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
          onClick={() => {
            setText("");
            commit.flush("");
            input.current?.focus();
          }}
        >
          <X className="size-4" aria-hidden />
        </button>
      )}
    </search>
  );
}
