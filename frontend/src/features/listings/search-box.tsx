import { Search, X } from "lucide-react";
import { type KeyboardEvent, useId, useRef } from "react";
import { useNavigate } from "react-router";
import type { Suggestion } from "@/shared/api/types";
import { useDebounced } from "@/shared/lib/use-debounced";
import { useTyped } from "@/shared/lib/use-typed";
import type { Filters } from "./filters";
import { SuggestionList } from "./suggestion-list";
import type { ChangeFilters } from "./use-filters";
import { useSuggestions } from "./use-suggestions";

const asTyped = (q: string) => q;
const trimmed = (text: string) => text.trim();
const SUGGEST_AFTER = 120;

/** A place that was meant becomes a filter in the place of the words typed for it. */
function placed({ q: _, ...filters }: Filters, { kind, text }: Suggestion): Filters {
  if (kind !== "city" && kind !== "subdivision" && kind !== "postal_code") return { ...filters, q: text };
  return { ...filters, [kind]: [...new Set([...filters[kind], text])] };
}

interface SearchBoxProps {
  value: string;
  /** The search as it stands, for the way back from a listing. */
  search: string;
  onChange: ChangeFilters;
}

/**
 * Text search as you type, with suggestions: a combobox after ARIA 1.2 whose focus stays in the box.
 * One visit to the box is one step for the back button. `data-search` is what `/` focuses.
 */
export function SearchBox({ value, search, onChange }: SearchBoxProps) {
  const input = useRef<HTMLInputElement>(null);
  const navigate = useNavigate();
  const id = useId();
  const box = useTyped({
    value,
    show: asTyped,
    read: trimmed,
    delay: 300,
    onChange: (q, how) => onChange(({ q: _, ...rest }) => (q ? { ...rest, q } : rest), how),
  });
  const suggestions = useSuggestions(useDebounced(box.text, SUGGEST_AFTER));
  const optionId = (index: number) => `${id}-option-${index}`;

  const pick = (suggestion: Suggestion): void => {
    suggestions.close();
    if (suggestion.property_id) {
      box.drop();
      void navigate(`/listings/${suggestion.property_id}`, { state: { results: search } });
      return;
    }
    const step = box.take();
    onChange((now) => placed(now, suggestion), step);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (event.altKey) event.key === "ArrowUp" ? suggestions.close() : suggestions.open();
      else suggestions.move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      if (suggestions.active) pick(suggestions.active);
      else {
        suggestions.close();
        box.flush();
      }
    } else if (event.key === "Escape") {
      // The browser would empty the box.
      event.preventDefault();
      if (suggestions.isOpen) suggestions.close();
      else event.currentTarget.blur();
    }
  };
  return (
    <search className="relative min-w-0 flex-1 basis-56">
      <Search className="pointer-events-none absolute top-3 left-3 size-4 text-ink-soft" aria-hidden />
      <input
        ref={input}
        data-search
        type="search"
        role="combobox"
        aria-expanded={suggestions.isOpen}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={suggestions.active && optionId(suggestions.active.index)}
        className="field px-9.5 [&::-webkit-search-cancel-button]:hidden"
        aria-label="Search listings"
        placeholder="Address, city, ZIP or words"
        autoComplete="off"
        maxLength={200}
        enterKeyHint="search"
        value={box.text}
        onBlur={() => {
          suggestions.close();
          box.leave();
        }}
        onChange={(event) => {
          box.type(event.target.value);
          suggestions.open();
        }}
        onKeyDown={onKeyDown}
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
      {suggestions.isOpen && (
        <SuggestionList
          id={`${id}-list`}
          groups={suggestions.groups}
          active={suggestions.active}
          optionId={optionId}
          onPick={pick}
        />
      )}
      <p role="status" className="sr-only">
        {suggestions.announcement}
      </p>
    </search>
  );
}
