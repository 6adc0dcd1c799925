import { useInfiniteQuery } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import { useEffect, useRef } from "react";
import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { countActive, type Filters, NO_FILTERS, toSearch } from "./filters";
import { ListingCard, ListingCardSkeleton } from "./listing-card";
import { listingsQuery } from "./queries";
import type { ChangeFilters } from "./use-filters";

const GRID = "grid gap-4 sm:grid-cols-2 md:gap-5 xl:grid-cols-3";
const PLACES = ["a", "b", "c", "d", "e", "f"];

const ResultsSkeleton = () => (
  <div className={GRID}>
    {PLACES.map((place) => (
      <ListingCardSkeleton key={place} />
    ))}
  </div>
);

/** The matching listings, page after page; the first of a newly loaded page takes the focus from the button. */
export function Results({ filters, onChange }: { filters: Filters; onChange: ChangeFilters }) {
  const query = useInfiniteQuery(listingsQuery(filters));
  const grid = useRef<HTMLUListElement>(null);
  const focusFrom = useRef<number>(undefined);
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  useEffect(() => {
    if (focusFrom.current === undefined || items.length <= focusFrom.current) return;
    grid.current?.children[focusFrom.current]?.querySelector("a")?.focus({ preventScroll: true });
    focusFrom.current = undefined;
  }, [items.length]);

  if (query.isPending) return <ResultsSkeleton />;
  if (query.isError && items.length === 0)
    return (
      <Failure
        title="Listings could not be loaded"
        error={query.error}
        onRetry={() => query.refetch()}
        retrying={query.isRefetching}
      />
    );
  const total = query.data?.pages.at(-1)?.total ?? 0;
  if (items.length === 0) return <NoResults filters={filters} onChange={onChange} />;
  const search = toSearch(filters).toString();
  return (
    <>
      <ul
        ref={grid}
        aria-busy={query.isPlaceholderData}
        className={cn(GRID, "transition-opacity", query.isPlaceholderData && "opacity-60")}
      >
        {items.map((property) => (
          <li key={property.id} className="contents">
            <ListingCard property={property} search={search} />
          </li>
        ))}
      </ul>
      <div className="mt-8 grid justify-items-center gap-3">
        <p className="text-ink-soft text-sm">
          {count(items.length)} of {count(total)} shown
        </p>
        {query.isFetchNextPageError && (
          <p role="alert" className="text-bad text-sm">
            The next listings could not be loaded.
          </p>
        )}
        {query.hasNextPage && (
          <Button
            look="secondary"
            busy={query.isFetchingNextPage}
            onClick={() => {
              focusFrom.current = items.length;
              void query.fetchNextPage();
            }}
          >
            {query.isFetchNextPageError ? "Try again" : "Load more"}
          </Button>
        )}
      </div>
    </>
  );
}

function NoResults({ filters, onChange }: { filters: Filters; onChange: ChangeFilters }) {
  const narrowed = countActive(filters) > 0 || filters.q !== undefined;
  if (!narrowed)
    return (
      <EmptyState Icon={SearchX} title="No listings yet">
        They appear here as soon as a feed has brought them in.
      </EmptyState>
    );
  return (
    <EmptyState
      Icon={SearchX}
      title="No listings match"
      action={<Button onClick={() => onChange(({ sort }) => ({ ...NO_FILTERS, sort }))}>Clear filters</Button>}
    >
      Try fewer filters, a wider price range or another spelling.
    </EmptyState>
  );
}
