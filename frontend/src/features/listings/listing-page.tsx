import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, SearchX } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { PropertyDetail } from "@/shared/api/types";
import { decimal, major, moment, money, plural, wholeMoney } from "@/shared/lib/format";
import { Badge } from "@/shared/ui/badge";
import { buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { factGroups } from "./facts";
import { Figures } from "./figures";
import { Gallery } from "./gallery";
import { addressLines } from "./listing-card";
import { LocationMap } from "./location-map";
import { listingQuery } from "./queries";
import { statusTone } from "./status";

/** Where "back to results" goes: the search this page was opened from, or all listings for a link from elsewhere. */
function useResultsAddress(): string {
  const state: unknown = useLocation().state;
  const search = typeof state === "object" && state !== null && "results" in state ? String(state.results) : "";
  return search ? `/listings?${search}` : "/listings";
}

export function ListingPage() {
  const { id = "" } = useParams();
  const query = useQuery(listingQuery(id));
  const results = useResultsAddress();
  return (
    <div className="mx-auto max-w-5xl">
      <Link
        to={results}
        data-chrome
        className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5 mb-3" })}
      >
        <ArrowLeft aria-hidden />
        Back to results
      </Link>
      {query.isPending ? (
        <ListingSkeleton />
      ) : query.isError ? (
        <Refusal error={query.error} onRetry={() => query.refetch()} retrying={query.isRefetching} />
      ) : (
        <Listing home={query.data} />
      )}
    </div>
  );
}

function Refusal({ error, onRetry, retrying }: { error: unknown; onRetry: () => void; retrying: boolean }) {
  // 422: the address holds something that cannot be a listing's id.
  if (!isStatus(error, 404, 422))
    return (
      <>
        <PageTitle className="sr-only">Listing</PageTitle>
        <Failure title="This listing could not be loaded" error={error} onRetry={onRetry} retrying={retrying} />
      </>
    );
  return (
    <>
      <PageTitle className="sr-only">Listing not found</PageTitle>
      <EmptyState
        Icon={SearchX}
        title="This listing is not here"
        action={
          <Link to="/listings" className={buttonStyle()}>
            See all listings
          </Link>
        }
      >
        It may have been withdrawn by its source, or the address has a typing error.
      </EmptyState>
    </>
  );
}

const ListingSkeleton = () => (
  <>
    <PageTitle className="sr-only">Listing</PageTitle>
    <p role="status" className="sr-only">
      Loading the listing
    </p>
    <div className="grid gap-6 md:grid-cols-[minmax(0,1.7fr)_minmax(0,1fr)]">
      <Skeleton className="aspect-[3/2] rounded-xl" />
      <div className="grid content-start gap-3">
        <Skeleton className="h-8 w-40" />
        <Skeleton className="h-6 w-56" />
        <Skeleton className="h-20" />
      </div>
    </div>
  </>
);

function Listing({ home }: { home: PropertyDetail }) {
  return (
    <article className="grid gap-x-10 gap-y-7 md:grid-cols-[minmax(0,1.7fr)_minmax(0,1fr)]">
      <Gallery photos={home.photos} />
      <Headline home={home} />
      <div className="grid content-start gap-9 md:col-span-2">
        {home.public_remarks && (
          <section aria-labelledby="remarks">
            <h2 id="remarks" className="mb-2 font-semibold text-lg">
              About this home
            </h2>
            <p className="max-w-prose whitespace-pre-line text-ink-soft leading-relaxed">{home.public_remarks}</p>
          </section>
        )}
        {home.latitude != null && home.longitude != null && (
          <LocationMap
            place={{ latitude: home.latitude, longitude: home.longitude }}
            street={addressLines(home).street}
          />
        )}
        <Facts home={home} />
        <Attribution home={home} />
      </div>
    </article>
  );
}

function Headline({ home }: { home: PropertyDetail }) {
  const { street, place } = addressLines(home);
  const price = home.close_price ?? home.list_price;
  const perFoot = home.living_area ? major(price) / home.living_area : undefined;
  return (
    <header className="grid content-start gap-4 md:sticky md:top-22 md:self-start">
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone={statusTone(home.standard_status)}>{home.standard_status}</Badge>
        {home.property_sub_type && <span className="text-ink-soft text-sm">{home.property_sub_type}</span>}
      </div>
      <div>
        <PageTitle>{street}</PageTitle>
        <p className="mt-0.5 text-ink-soft">{place}</p>
      </div>
      <div>
        <p className="font-semibold text-3xl tabular-nums tracking-tight">{money(price)}</p>
        <p className="text-ink-soft text-sm">
          {home.close_price && `Sold; listed at ${money(home.list_price)}`}
          {home.close_price && perFoot !== undefined && " · "}
          {perFoot !== undefined && `${wholeMoney(perFoot, price.currency)} per sq ft`}
        </p>
      </div>
      <Figures property={home} className="border-line border-y py-3.5 text-lg" />
      <AtAGlance home={home} />
      {home.list_office_name && (
        <p className="text-sm">
          <span className="text-ink-soft">Listed by</span>{" "}
          {home.list_agent_full_name && `${home.list_agent_full_name}, `}
          {home.list_office_name}
        </p>
      )}
    </header>
  );
}

function AtAGlance({ home }: { home: PropertyDetail }) {
  const entries = [
    { name: "Built", value: home.year_built },
    { name: "Lot", value: home.lot_size_acres == null ? null : `${decimal(home.lot_size_acres)} acres` },
    { name: "On market", value: home.days_on_market == null ? null : plural(home.days_on_market, "day", "days") },
  ].filter(({ value }) => value != null);
  return (
    <dl className="grid grid-cols-3 gap-3">
      {entries.map(({ name, value }) => (
        <div key={name}>
          <dt className="text-ink-soft text-sm">{name}</dt>
          <dd className="font-medium tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const Facts = ({ home }: { home: PropertyDetail }) => (
  <section aria-labelledby="facts">
    <h2 id="facts" className="mb-4 font-semibold text-lg">
      Facts
    </h2>
    <div className="gap-x-10 sm:columns-2">
      {factGroups(home).map(({ title, facts }) => (
        <section key={title} aria-label={title} className="mb-8 break-inside-avoid">
          <h3 className="border-line border-b pb-2 font-semibold">{title}</h3>
          <dl>
            {facts.map(({ name, value }) => (
              <div
                key={name}
                className="grid grid-cols-[9.5rem_minmax(0,1fr)] gap-3 border-line border-b py-2 text-sm last:border-b-0"
              >
                <dt className="text-ink-soft">{name}</dt>
                <dd className="break-words">{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  </section>
);

/** MLS display rules: the listing firm, the source and when it was last read, in the brokerage's own time. */
function Attribution({ home }: { home: PropertyDetail }) {
  const { time_zone: zone } = useTenant();
  const { source } = home;
  return (
    <footer className="border-line border-t pt-4 text-ink-soft text-sm">
      <p>
        {home.list_office_name && `Listing courtesy of ${home.list_office_name}. `}
        Source: {source.originating_system_name ?? source.feed}, feed “{source.feed}”, refreshed{" "}
        <time dateTime={source.refreshed_at}>{moment(source.refreshed_at, zone)}</time>.
      </p>
      <p className="mt-1">
        Last changed at the source {moment(home.modification_timestamp, zone)}. Information is deemed reliable but not
        guaranteed.
      </p>
    </footer>
  );
}
