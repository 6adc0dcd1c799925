import { useInfiniteQuery } from "@tanstack/react-query";
import { Inbox as InboxIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link, useSearchParams } from "react-router";
import { useCan } from "@/shared/api/session";
import { plural } from "@/shared/lib/format";
import { followed } from "@/shared/lib/use-live";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { rarely, useChanges } from "@/shared/live/use-changes";
import { Alert } from "@/shared/ui/alert";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { Skeleton } from "@/shared/ui/skeleton";
import { ContactsTabs, NOT_FOR_YOU } from "../contacts-tabs";
import { LeadItem } from "./lead-item";
import { type LeadFilters, leadsQuery, OWNERS, parseLeadFilters, STATES } from "./lead-queries";
import { useClaim } from "./use-claim";

/** Leads belong to their people. */
const SHOWN_BY = { person: [["leads"]] };

export function InboxPage() {
  if (useCan("leads.work")) return <Inbox />;
  return <NotAllowed title="Inbox">{NOT_FOR_YOU}</NotAllowed>;
}

function Inbox() {
  const [search, setSearch] = useSearchParams();
  const filters = parseLeadFilters(search);
  const live = useChanges(SHOWN_BY);
  const query = useInfiniteQuery({ ...leadsQuery(filters), ...followed, ...rarely(live) });
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  const choose = (name: keyof LeadFilters, value: string, plain: string) => {
    const wanted = new URLSearchParams(search);
    if (value === plain) wanted.delete(name);
    else wanted.set(name, value);
    setSearch(wanted);
  };
  return (
    <div className="mx-auto max-w-4xl">
      <div className="mb-4 flex flex-wrap items-baseline gap-x-3">
        <PageTitle>Inbox</PageTitle>
        <p role="status" className="text-ink-soft tabular-nums">
          {total === undefined ? (query.isError ? "" : "Searching…") : plural(total, "lead", "leads")}
        </p>
      </div>
      <div className="mb-5 flex flex-wrap items-center gap-3">
        <ContactsTabs />
        <Choice
          label="Whose"
          choices={OWNERS}
          value={filters.owner}
          onChange={(value) => choose("owner", value, "all")}
          className="w-40 sm:ml-auto"
        />
        <Choice
          label="State"
          choices={STATES}
          value={filters.state}
          onChange={(value) => choose("state", value, "any")}
          className="w-40"
        />
      </div>
      <Leads filters={filters} search={search.toString()} />
    </div>
  );
}

interface ChoiceProps {
  label: string;
  choices: Record<string, string>;
  value: string;
  onChange: (value: string) => void;
  className: string;
}

const Choice = ({ label, choices, value, onChange, className }: ChoiceProps) => (
  <Select aria-label={label} className={className} value={value} onChange={(event) => onChange(event.target.value)}>
    {Object.entries(choices).map(([each, name]) => (
      <option key={each} value={each}>
        {name}
      </option>
    ))}
  </Select>
);

function Leads({ filters, search }: { filters: LeadFilters; search: string }) {
  const query = useInfiniteQuery(leadsQuery(filters));
  const leads = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, leads.length, "a");
  const { claim, claiming, outcome } = useClaim();
  const told = useRef<HTMLDivElement>(null);
  // The button that had the focus may be gone.
  useEffect(() => {
    if (outcome) told.current?.focus();
  }, [outcome]);
  return (
    <>
      <div ref={told} tabIndex={-1} className="mb-4 outline-none empty:hidden">
        {outcome && (
          <Alert look={outcome.won ? "info" : "bad"}>
            {outcome.words}{" "}
            {outcome.person && (
              <Link
                to={`/contacts/${outcome.person.id}`}
                state={{ inbox: search }}
                className="font-medium underline underline-offset-4"
              >
                Open the contact
              </Link>
            )}
          </Alert>
        )}
      </div>
      {query.isPending ? (
        <Skeleton className="h-96 rounded-xl" />
      ) : query.isError && leads.length === 0 ? (
        <Failure
          title="Leads could not be loaded"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
        />
      ) : leads.length === 0 ? (
        <EmptyState Icon={InboxIcon} title={search ? "No such leads" : "No leads yet"}>
          Whoever asks about a listing, on its public form or through one of you, is here at once.
        </EmptyState>
      ) : (
        <ul ref={list} aria-label="Leads" aria-busy={query.isPlaceholderData} className="card divide-y divide-line">
          {leads.map((lead) => (
            <LeadItem
              key={lead.id}
              lead={lead}
              search={search}
              isClaiming={claiming === lead.id}
              onClaim={() => claim(lead)}
            />
          ))}
        </ul>
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore
          query={query}
          shown={leads.length}
          total={query.data?.pages.at(-1)?.total ?? 0}
          what="leads"
          onMore={loadMore}
          className="mt-6"
        />
      )}
    </>
  );
}
