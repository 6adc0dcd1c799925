import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Suggestion } from "@/shared/api/types";
import { MIN_SUGGESTED, suggestionsQuery } from "./queries";

const KINDS: Record<Suggestion["kind"], string> = {
  city: "Cities",
  subdivision: "Subdivisions",
  postal_code: "ZIP codes",
  address: "Addresses",
  listing: "Listing numbers",
};

export interface Offered extends Suggestion {
  /** Its place in the whole list, over all groups. */
  index: number;
}
export interface SuggestionGroup {
  title: string;
  items: Offered[];
}

/** Kinds stay together, in the order in which the best of each was found. */
export function grouped(items: Suggestion[]): SuggestionGroup[] {
  const kinds = [...new Set(items.map(({ kind }) => kind))];
  let index = 0;
  return kinds.map((kind) => ({
    title: KINDS[kind],
    items: items.filter((item) => item.kind === kind).map((item) => ({ ...item, index: index++ })),
  }));
}

/** What could be meant by the text in a search box, and which of it the arrow keys have reached. */
export function useSuggestions(text: string) {
  const [wanted, setWanted] = useState(false);
  const [active, setActive] = useState(-1);
  const q = text.trim();
  const query = useQuery({ ...suggestionsQuery(q), enabled: wanted && q.length >= MIN_SUGGESTED });
  const groups = q.length < MIN_SUGGESTED ? [] : grouped(query.data?.items ?? []);
  const all = groups.flatMap(({ items }) => items);
  const isOpen = wanted && all.length > 0;
  return {
    groups,
    isOpen,
    /** Said to those who do not see the list. */
    announcement: !wanted || q.length < MIN_SUGGESTED || query.isFetching ? "" : announce(all.length),
    active: isOpen ? all[active] : undefined,
    open(): void {
      setWanted(true);
      setActive(-1);
    },
    close(): void {
      setWanted(false);
      setActive(-1);
    },
    /** Through the list and the box itself, which comes between the last and the first. */
    move(by: 1 | -1): void {
      if (!isOpen) setWanted(true);
      else setActive((now) => ((now + 1 + by + all.length + 1) % (all.length + 1)) - 1);
    },
  };
}

const announce = (found: number): string =>
  found === 0 ? "No suggestions" : `${found} ${found === 1 ? "suggestion" : "suggestions"}, use the arrow keys`;
