import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { count } from "@/shared/lib/format";
import { Button } from "./button";

interface LoadMoreProps {
  query: Pick<
    UseInfiniteQueryResult,
    "hasNextPage" | "isFetchingNextPage" | "isFetchNextPageError" | "isPlaceholderData"
  >;
  shown: number;
  total: number;
  /** What the list holds, in the plural. */
  what: string;
  onMore: () => void;
  className: string;
}

/** How much of a list is here, and the way to the rest, also after a page that could not be loaded; nothing of a former list. */
export function LoadMore({ query, shown, total, what, onMore, className }: LoadMoreProps) {
  if (query.isPlaceholderData) return null;
  return (
    <div className={`${className} grid justify-items-center gap-3`}>
      <p className="text-ink-soft text-sm">
        {count(shown)} of {count(total)} shown
      </p>
      {query.isFetchNextPageError && (
        <p role="alert" className="text-bad text-sm">
          The next {what} could not be loaded.
        </p>
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <Button look="secondary" size="large" busy={query.isFetchingNextPage} onClick={onMore}>
          {query.isFetchNextPageError ? "Try again" : "Load more"}
        </Button>
      )}
    </div>
  );
}
