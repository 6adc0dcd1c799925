import { Search, X } from "lucide-react";
import { useRef } from "react";
import type { ChangeFilters } from "./use-filters";
import { useTyped } from "./use-typed";

const asTyped = (q: string) => q;
const trimmed = (text: string) => text.trim();

/** Text search as you type; one visit to the box is one step for the back button. `data-search` is what `/` focuses. */
export function SearchBox({ value, onChange }: { value: string; onChange: ChangeFilters }) {
  const input = useRef<HTMLInputElement>(null);
  const box = useTyped({
    value,
    show: asTyped,
    read: trimmed,
    delay: 300,
    onChange: (q, how) => onChange(({ q: _, ...rest }) => (q ? { ...rest, q } : rest), how),
  });
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
        value={box.text}
        onBlur={box.leave}
        onChange={(event) => box.type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") box.flush();
          if (event.key === "Escape") event.currentTarget.blur();
        }}
      />
      {box.text && (
        <button
          type="button"
          aria-label="Clear search"
          className="absolute top-1 right-1 grid size-8 place-items-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
          onClick={() => {
            box.type("");
            box.flush();
            input.current?.focus();
          }}
        >
          <X className="size-4" aria-hidden />
        </button>
      )}
    </search>
  );
}
