import { useInfiniteQuery } from "@tanstack/react-query";
import { SearchX } from "lucide-react";
import type { Facets } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { plural } from "@/shared/lib/format";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { Button } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { countActive, type Filters, NO_FILTERS } from "./filters";
import { ListingCard, ListingCardSkeleton } from "./listing-card";
import { loosened } from "./loosen";
import { listingsQuery } from "./queries";
import type { ChangeFilters } from "./use-filters";

/** As many columns as the list itself has room for, with a map beside it or without. */
const GRID = "grid gap-4 @md:grid-cols-2 @3xl:grid-cols-3 @3xl:gap-5 @6xl:grid-cols-4";
const PLACES = ["a", "b", "c", "d", "e", "f"];

const ResultsSkeleton = () => (
  <div className="@container">
    <div className={GRID}>
      {PLACES.map((place) => (
        <ListingCardSkeleton key={place} />
      ))}
    </div>
  </div>
);

interface ResultsProps {
  filters: Filters;
  facets: Facets | undefined;
  /** The search, for the way back from a listing. */
  search: string;
  onChange: ChangeFilters;
}

/** The matching listings, page after page; the first of a newly loaded page takes the focus from the button. */
export function Results({ filters, facets, search, onChange }: ResultsProps) {
  const query = useInfiniteQuery(listingsQuery(filters));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, items.length, "a", { preventScroll: true });

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
  if (items.length === 0) return <NoResults filters={filters} facets={facets} onChange={onChange} />;
  return (
    <div className="@container">
      <ul
        ref={list}
        aria-busy={query.isPlaceholderData}
        className={cn(GRID, "transition-opacity", query.isPlaceholderData && "opacity-60")}
      >
        {items.map((property) => (
          <li key={property.id} className="contents">
            <ListingCard property={property} search={search} />
          </li>
        ))}
      </ul>
      <LoadMore query={query} shown={items.length} total={total} what="listings" onMore={loadMore} className="mt-8" />
    </div>
  );
}

function NoResults({ filters, facets, onChange }: Omit<ResultsProps, "search">) {
  const narrowed = countActive(filters) > 0 || filters.q !== undefined;
  if (!narrowed)
    return (
      <EmptyState Icon={SearchX} title="No listings yet">
        They appear here as soon as a feed has brought them in.
      </EmptyState>
    );
  const ways = loosened(filters, facets);
  return (
    <EmptyState
      Icon={SearchX}
      title="No listings match"
      action={
        <Button look="link" size="text" onClick={() => onChange(() => NO_FILTERS)}>
          Clear the whole search
        </Button>
      }
    >
      {ways.length > 0 ? (
        <>
          <p>Let go of one of these:</p>
          <ul aria-label="Ways to find more" className="mt-3 flex flex-wrap justify-center gap-2">
            {ways.map(({ words, filters: wider, count: found }) => (
              <li key={words}>
                <Button look="secondary" size="small" onClick={() => onChange(() => wider)}>
                  {words}
                  {found !== undefined && (
                    <span className="font-normal text-ink-soft tabular-nums">
                      {plural(found, "listing", "listings")}
                    </span>
                  )}
                </Button>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p>No single filter is to blame: take off several, or try another spelling.</p>
      )}
    </EmptyState>
  );
}
