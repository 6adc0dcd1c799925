import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Pencil, SearchX } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import type { PropertyDetail } from "@/shared/api/types";
import { decimal, major, money, plural, wholeMoney } from "@/shared/lib/format";
import { followed } from "@/shared/lib/use-live";
import { Badge } from "@/shared/ui/badge";
import { buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { AskButton } from "./ask-button";
import { Attribution } from "./attribution";
import { factGroups } from "./facts";
import { Figures } from "./figures";
import { Gallery } from "./gallery";
import { History } from "./history/history";
import { addressLines } from "./listing-card";
import { LocationMap } from "./location-map";
import { listingQuery } from "./queries";
import { statusTone, statusWords } from "./status";

/** Where "back to results" goes: the search this page was opened from, or all listings for a link from elsewhere. */
function useResultsAddress(): string {
  const state: unknown = useLocation().state;
  const search = typeof state === "object" && state !== null && "results" in state ? String(state.results) : "";
  return search ? `/listings?${search}` : "/listings";
}

export function ListingPage() {
  const { id = "" } = useParams();
  const query = useQuery({
    ...listingQuery(id),
    ...followed,
    refetchOnWindowFocus: "always",
  });
  const results = useResultsAddress();
  return (
    <div className="mx-auto max-w-5xl">
      <div data-chrome className="mb-3 flex items-center justify-between gap-3">
        <Link to={results} className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5" })}>
          <ArrowLeft aria-hidden />
          Back to results
        </Link>
        {query.data?.can_edit && (
          <Link
            id="edit-listing"
            to={`/listings/${id}/edit`}
            className={buttonStyle({ look: "secondary", size: "small" })}
          >
            <Pencil aria-hidden />
            Edit
          </Link>
        )}
      </div>
      {query.isPending ? (
        <ListingSkeleton />
      ) : query.isError && (!query.data || isStatus(query.error, 404)) ? (
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
        <PriceAndStatus home={home} />
        <Attribution home={home} />
      </div>
    </article>
  );
}

function Headline({ home }: { home: PropertyDetail }) {
  const { street, place } = addressLines(home);
  const price = home.close_price ?? home.list_price;
  const perFoot = home.living_area && price.amount > 0 ? major(price) / home.living_area : undefined;
  return (
    <header className="grid content-start gap-4 md:sticky md:top-22 md:self-start">
      <div className="flex flex-wrap items-center gap-2">
        <Badge tone={statusTone(home.standard_status)}>{statusWords(home.standard_status)}</Badge>
        {home.property_sub_type && <span className="text-ink-soft text-sm">{home.property_sub_type}</span>}
      </div>
      <div>
        <PageTitle>{street || "Listing without an address"}</PageTitle>
        <p className="mt-0.5 text-ink-soft">{place}</p>
      </div>
      <div>
        <p className="font-semibold text-3xl tabular-nums tracking-tight">
          {price.amount > 0 ? money(price) : "No price yet"}
        </p>
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
      <AskButton home={home} />
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

const PriceAndStatus = ({ home }: { home: PropertyDetail }) => (
  <section aria-labelledby="history">
    <h2 id="history" className="mb-4 font-semibold text-lg">
      Price and status history
    </h2>
    <History id={home.id} />
  </section>
);
