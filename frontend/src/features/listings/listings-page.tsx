import { useInfiniteQuery } from "@tanstack/react-query";
import { ListFilter } from "lucide-react";
import { useState } from "react";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { FilterChips } from "./filter-chips";
import { FilterPanel } from "./filter-panel";
import { countActive, type Filters, SORTS, type Sort, withoutFilters } from "./filters";
import { listingsQuery } from "./queries";
import { Results } from "./results";
import { SearchBox } from "./search-box";
import { type ChangeFilters, useFilters } from "./use-filters";

export function ListingsPage() {
  const { filters, change } = useFilters();
  const [sheet, setSheet] = useState(false);
  const query = useInfiniteQuery(listingsQuery(filters));
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  const matches = total === undefined ? undefined : plural(total, "listing", "listings");
  return (
    <div className="lg:grid lg:grid-cols-[15.5rem_minmax(0,1fr)] lg:gap-9">
      <aside
        aria-label="Filters"
        className="hidden lg:sticky lg:top-20 lg:-mx-3 lg:block lg:max-h-[calc(100dvh-6rem)] lg:self-start lg:overflow-y-auto lg:px-3 lg:pb-3"
      >
        <FilterPanel filters={filters} onChange={change} />
      </aside>
      <div className="min-w-0">
        <div className="mb-4 flex flex-wrap items-baseline gap-x-3">
          <PageTitle>Listings</PageTitle>
          <p role="status" className="text-ink-soft tabular-nums">
            {matches ?? (query.isError ? "" : "Searching…")}
          </p>
        </div>
        <div className="mb-4 flex flex-wrap gap-2.5">
          <SearchBox value={filters.q ?? ""} onChange={change} />
          <div className="flex min-w-0 gap-2.5 phone:w-full">
            <FiltersButton active={countActive(filters)} onOpen={() => setSheet(true)} />
            <SortSelect value={filters.sort} onChange={change} />
          </div>
        </div>
        <div className="mb-5 empty:hidden">
          <FilterChips filters={filters} onChange={change} />
        </div>
        <Results filters={filters} onChange={change} />
      </div>
      <FilterSheet open={sheet} onClose={() => setSheet(false)} filters={filters} matches={matches} onChange={change} />
    </div>
  );
}

const FiltersButton = ({ active, onOpen }: { active: number; onOpen: () => void }) => (
  <Button look="secondary" className="lg:hidden" aria-haspopup="dialog" onClick={onOpen}>
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

const SortSelect = ({ value, onChange }: { value: Sort; onChange: ChangeFilters }) => (
  <Select
    aria-label="Sort by"
    className="phone:flex-1"
    value={value}
    onChange={(event) => {
      const sort = event.target.value as Sort;
      onChange((now) => ({ ...now, sort }));
    }}
  >
    {Object.entries(SORTS).map(([sort, words]) => (
      <option key={sort} value={sort}>
        {words}
      </option>
    ))}
  </Select>
);

interface FilterSheetProps {
  open: boolean;
  onClose: () => void;
  filters: Filters;
  matches: string | undefined;
  onChange: ChangeFilters;
}

const FilterSheet = ({ open, onClose, filters, matches, onChange }: FilterSheetProps) => (
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
    <FilterPanel filters={filters} onChange={onChange} />
  </Dialog>
);
