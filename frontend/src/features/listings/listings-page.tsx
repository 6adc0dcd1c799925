import { useInfiniteQuery } from "@tanstack/react-query";
import { List, ListFilter, Map as MapIcon } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/shared/api/session";
import type { Facets } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { plural } from "@/shared/lib/format";
import { useLive } from "@/shared/lib/use-live";
import { useMedia } from "@/shared/lib/use-media";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { ActiveContext, useNewActive } from "./active";
import { FilterChips } from "./filter-chips";
import { FilterPanel } from "./filter-panel";
import { countActive, type Filters, SORTS, type Sort, sortOf, sortsFor, withoutFilters } from "./filters";
import { ListingsTabs } from "./listings-tabs";
import { MapView } from "./map/map-view";
import { listingsQuery } from "./queries";
import { Results } from "./results";
import { SearchBox } from "./search-box";
import { type ChangeFilters, useFilters, type View } from "./use-filters";

const WIDE = "(width >= 64rem)";

export function ListingsPage() {
  const { filters, view, search, change, setView } = useFilters();
  const [sheet, setSheet] = useState(false);
  const isWide = useMedia(WIDE);
  const hasOwn = useCan("listings.create");
  const query = useInfiniteQuery({ ...listingsQuery(filters), ...useLive() });
  const page = query.data?.pages.at(-1);
  const total = query.isPlaceholderData ? undefined : page?.total;
  const matches = total === undefined ? undefined : plural(total, "listing", "listings");
  const isLimited = page?.source === "database";
  const facets = (isLimited ? undefined : query.data?.pages[0]?.facets) ?? undefined;
  const hasMap = isWide ? view !== "list" : view === "map";
  const hasList = isWide || view !== "map";
  return (
    <ActiveContext value={useNewActive()}>
      <div
        data-wide={hasMap || undefined}
        className={cn(
          "lg:grid lg:gap-6 xl:gap-8",
          hasMap
            ? "lg:grid-cols-2 xl:grid-cols-[15rem_minmax(0,1fr)_minmax(0,1.15fr)]"
            : "xl:grid-cols-[15.5rem_minmax(0,1fr)]",
        )}
      >
        <aside
          aria-label="Filters"
          className="hidden xl:sticky xl:top-20 xl:-mx-3 xl:block xl:max-h-[calc(100dvh-6rem)] xl:self-start xl:overflow-y-auto xl:px-3 xl:pb-3"
        >
          <FilterPanel filters={filters} facets={facets} onChange={change} />
        </aside>
        <div className="min-w-0">
          <div className="mb-4 flex flex-wrap items-baseline gap-x-3">
            <PageTitle>Listings</PageTitle>
            <p role="status" className="text-ink-soft tabular-nums">
              {matches ?? (query.isError ? "" : "Searching…")}
            </p>
          </div>
          {hasOwn && <ListingsTabs className="mb-4" />}
          <div className="mb-4 flex flex-wrap gap-2.5">
            <SearchBox value={filters.q ?? ""} search={search} onChange={change} />
            <div className="flex min-w-0 flex-wrap gap-2.5 phone:w-full">
              <FiltersButton active={countActive(filters)} onOpen={() => setSheet(true)} />
              <ViewSwitch view={view} isWide={isWide} onChange={setView} />
              <SortSelect filters={filters} onChange={change} />
            </div>
          </div>
          {isLimited && (
            <div className="mb-4">
              <Alert look="info">
                The search is limited at the moment: it finds exact words only, and the counts beside the filters are
                hidden.
              </Alert>
            </div>
          )}
          <div className="mb-5 empty:hidden">
            <FilterChips filters={filters} onChange={change} />
          </div>
          {hasList && <Results filters={filters} facets={facets} search={search} onChange={change} />}
        </div>
        {hasMap && (
          <div className="h-[max(22rem,calc(100dvh-24rem))] lg:sticky lg:top-20 lg:h-[calc(100dvh-6.5rem)] lg:self-start">
            <MapView filters={filters} total={total} search={search} onChange={change} />
          </div>
        )}
        <FilterSheet
          open={sheet}
          onClose={() => setSheet(false)}
          filters={filters}
          facets={facets}
          matches={matches}
          onChange={change}
        />
      </div>
    </ActiveContext>
  );
}

const FiltersButton = ({ active, onOpen }: { active: number; onOpen: () => void }) => (
  <Button look="secondary" className="xl:hidden" aria-haspopup="dialog" onClick={onOpen}>
    <ListFilter aria-hidden />
    Filters
    {active > 0 && (
      <span className="grid h-5 min-w-5 place-items-center rounded-full bg-brand px-1 text-on-brand text-xs">
        {active}
        <span className="sr-only"> in force</span>
      </span>
    )}
  </Button>
);

const SortSelect = ({ filters, onChange }: { filters: Filters; onChange: ChangeFilters }) => (
  <Select
    aria-label="Sort by"
    className="phone:min-w-36 phone:flex-1"
    value={sortOf(filters)}
    onChange={(event) => {
      const sort = event.target.value as Sort;
      onChange((now) => ({ ...now, sort }));
    }}
  >
    {sortsFor(filters).map((sort) => (
      <option key={sort} value={sort}>
        {SORTS[sort]}
      </option>
    ))}
  </Select>
);

interface ViewSwitchProps {
  view: View;
  isWide: boolean;
  onChange: (view: View) => void;
}

/** Wide windows have room for both and can put the map away; narrow ones show one or the other. */
function ViewSwitch({ view, isWide, onChange }: ViewSwitchProps) {
  const isOn = isWide ? view !== "list" : view === "map";
  const words = isWide ? (isOn ? "Hide map" : "Show map") : isOn ? "List" : "Map";
  const Icon = isOn && !isWide ? List : MapIcon;
  return (
    <Button
      look="secondary"
      className="px-3"
      onClick={() => onChange(isWide ? (isOn ? "list" : "split") : isOn ? "split" : "map")}
    >
      <Icon aria-hidden />
      {words}
    </Button>
  );
}

interface FilterSheetProps {
  open: boolean;
  onClose: () => void;
  filters: Filters;
  facets: Facets | undefined;
  matches: string | undefined;
  onChange: ChangeFilters;
}

const FilterSheet = ({ open, onClose, filters, facets, matches, onChange }: FilterSheetProps) => (
  <Dialog
    open={open}
    onClose={onClose}
    title="Filters"
    shape="sheet"
    footer={
      <>
        <Button look="secondary" onClick={() => onChange(withoutFilters)}>
          Clear
        </Button>
        <Button className="flex-1" onClick={onClose}>
          {matches ? `Show ${matches}` : "Show listings"}
        </Button>
      </>
    }
  >
    <FilterPanel filters={filters} facets={facets} onChange={onChange} />
  </Dialog>
);
