import { useInfiniteQuery } from "@tanstack/react-query";
import { FilePen, FileSearch, Plus } from "lucide-react";
import { Link } from "react-router";
import { useCan } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { PropertySummary, StandardStatus } from "@/shared/api/types";
import { ExportLine } from "@/shared/bulk/export-line";
import { ExportMenu } from "@/shared/bulk/export-menu";
import { useBeginExport } from "@/shared/bulk/exports";
import { cn } from "@/shared/lib/cn";
import { moment, money, plural } from "@/shared/lib/format";
import { useLive } from "@/shared/lib/use-live";
import { Badge } from "@/shared/ui/badge";
import { Button, buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { Skeleton } from "@/shared/ui/skeleton";
import { beginExport } from "./bulk/begin-export";
import { LISTINGS } from "./bulk/subject";
import { addressLines } from "./listing-card";
import { ListingsTabs } from "./listings-tabs";
import { STATUSES } from "./mine-filters";
import { NewListingButton } from "./new-listing-button";
import { Photo } from "./photo";
import { mineQuery } from "./queries";
import { statusTone, statusWords } from "./status";
import { useMineFilters } from "./use-mine-filters";

/** What one may edit: drafts first, then everything else, the latest change first in each. */
export function MinePage() {
  const { filters, change } = useMineFilters();
  const begin = useBeginExport(LISTINGS, beginExport);
  const query = useInfiniteQuery({ ...mineQuery(filters), ...useLive() });
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const drafts = items.filter(({ standard_status: status }) => status === "Incomplete");
  const others = items.filter(({ standard_status: status }) => status !== "Incomplete");
  return (
    <div className="mx-auto max-w-4xl">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <PageTitle>My listings</PageTitle>
          <p role="status" className="text-ink-soft tabular-nums">
            {total === undefined ? "" : plural(total, "listing", "listings")}
          </p>
        </div>
        <ExportMenu
          subject={LISTINGS}
          busy={begin.isPending}
          onExport={(format) => begin.mutate({ format, filters })}
        />
      </div>
      <ExportLine subject={LISTINGS} refusal={begin.error} onClose={begin.reset} />
      <ListingsTabs className="mb-4" />
      <Select
        aria-label="Status"
        className="mb-6 sm:w-56"
        value={filters.status}
        onChange={({ target }) => change({ status: target.value as StandardStatus | "" })}
      >
        <option value="">Any status</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {statusWords(status)}
          </option>
        ))}
      </Select>
      {query.isPending || (query.isPlaceholderData && items.length === 0) ? (
        <div className="grid gap-3">
          <Skeleton className="h-24" />
          <Skeleton className="h-24" />
        </div>
      ) : query.isError && items.length === 0 ? (
        <Failure title="Your listings could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : items.length === 0 && filters.status ? (
        <EmptyState
          Icon={FileSearch}
          title="No listing of yours has this status"
          action={
            <Button look="secondary" onClick={() => change({ status: "" })}>
              Show all of them
            </Button>
          }
        >
          Only those with the status {statusWords(filters.status)} are looked for.
        </EmptyState>
      ) : items.length === 0 ? (
        <Nothing />
      ) : (
        <div
          aria-busy={query.isPlaceholderData}
          className={cn("transition-opacity", query.isPlaceholderData && "opacity-60")}
        >
          <Group id="drafts" title="Drafts" items={drafts} />
          <Group id="others" title="On and off the market" items={others} />
        </div>
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore
          query={query}
          shown={items.length}
          total={total ?? 0}
          what="listings"
          onMore={() => query.fetchNextPage()}
          className=""
        />
      )}
    </div>
  );
}

function Nothing() {
  const canImport = useCan(LISTINGS.right);
  return (
    <EmptyState
      Icon={FilePen}
      title="No listing of yours yet"
      action={
        <div className="flex flex-wrap items-center justify-center gap-2.5">
          <NewListingButton>
            <Plus aria-hidden />
            Start your first listing
          </NewListingButton>
          {canImport && (
            <Link to="/listings/import" className={buttonStyle({ look: "secondary", size: "small" })}>
              Import listings
            </Link>
          )}
        </div>
      }
    >
      A new one begins as a draft that only you and your brokerage’s managers see. Fill it in at your pace: it saves
      itself, and you publish it when it is ready.
    </EmptyState>
  );
}

function Group({ id, title, items }: { id: string; title: string; items: PropertySummary[] }) {
  if (items.length === 0) return null;
  return (
    <section aria-labelledby={id} className="mb-8">
      <h2 id={id} className="mb-3 flex items-baseline gap-2 font-semibold text-lg">
        {title}
        <span className="font-normal text-ink-soft text-sm">{plural(items.length, "listing", "listings")}</span>
      </h2>
      <ul className="grid gap-3">
        {items.map((item) => (
          <Row key={item.id} item={item} />
        ))}
      </ul>
    </section>
  );
}

function Row({ item }: { item: PropertySummary }) {
  const { time_zone: zone } = useTenant();
  const { street, place } = addressLines(item);
  const price = item.close_price ?? item.list_price;
  return (
    <li className="card group relative flex overflow-hidden transition-shadow hover:shadow-lift has-[a:focus-visible]:outline-2 has-[a:focus-visible]:outline-brand has-[a:focus-visible]:outline-offset-2">
      <Photo photo={item.photo} className="w-24 shrink-0 sm:w-36" />
      <div className="grid min-w-0 flex-1 content-center gap-0.5 px-4 py-3">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h3 className="min-w-0 font-medium">
            <Link
              id={`mine-${item.id}`}
              to={`/listings/${item.id}/edit`}
              className="outline-none after:absolute after:inset-0 group-hover:underline group-hover:decoration-line group-hover:underline-offset-4"
            >
              {street || "Listing without an address"}
            </Link>
          </h3>
          <Badge tone={statusTone(item.standard_status)}>{statusWords(item.standard_status)}</Badge>
        </div>
        <p className="text-ink-soft text-sm">{place || "No place yet"}</p>
        <p className="flex flex-wrap gap-x-3 text-sm">
          <span className="font-medium tabular-nums">{price.amount > 0 ? money(price) : "No price yet"}</span>
          <span className="text-ink-soft">Changed {moment(item.modification_timestamp, zone)}</span>
        </p>
      </div>
    </li>
  );
}
