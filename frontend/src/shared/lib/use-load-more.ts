import { type RefObject, useEffect, useRef } from "react";

/** A list that grows by pages: once more of it is here, the focus goes to the first new item's `control`. */
export function useLoadMore<List extends HTMLElement>(
  query: { fetchNextPage: () => unknown },
  length: number,
  control: string,
  options?: FocusOptions,
): { list: RefObject<List | null>; loadMore: () => void } {
  const list = useRef<List>(null);
  const focusFrom = useRef<number>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: nothing but a longer list moves the focus.
  useEffect(() => {
    if (focusFrom.current === undefined || length <= focusFrom.current) return;
    list.current?.children[focusFrom.current]?.querySelector<HTMLElement>(control)?.focus(options);
    focusFrom.current = undefined;
  }, [length]);
  const loadMore = () => {
    focusFrom.current = length;
    query.fetchNextPage();
  };
  return { list, loadMore };
}
