import { useInfiniteQuery } from "@tanstack/react-query";
import { ContactRound, UserSearch } from "lucide-react";
import { Link } from "react-router";
import { useTenant } from "@/shared/api/tenant";
import type { ContactSummary } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { moment, plural } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { Avatar } from "@/shared/ui/avatar";
import { Badge } from "@/shared/ui/badge";
import { Button, buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { Skeleton } from "@/shared/ui/skeleton";
import { type ContactFilters, isNarrowed, NO_FILTERS } from "./filters";
import { contactsQuery } from "./queries";
import type { ChangeFilters } from "./use-contact-filters";

interface ContactsListProps {
  filters: ContactFilters;
  /** The search, for the way back from a contact. */
  search: string;
  onChange: ChangeFilters;
  /** For those who may add somebody. */
  onNew: (() => void) | undefined;
}

/** The contacts found, page after page; the first of a newly loaded page takes the focus from the button. */
export function ContactsList({ filters, search, onChange, onNew }: ContactsListProps) {
  const query = useInfiniteQuery(contactsQuery(filters));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, items.length, "a");

  if (query.isPending) return <Skeleton className="h-96 rounded-xl" />;
  if (query.isError && items.length === 0)
    return (
      <Failure
        title="Contacts could not be loaded"
        error={query.error}
        onRetry={() => query.refetch()}
        retrying={query.isRefetching}
      />
    );
  if (items.length === 0) return <NoContacts filters={filters} onChange={onChange} onNew={onNew} />;
  const total = query.data?.pages.at(-1)?.total ?? 0;
  return (
    <>
      <ul
        ref={list}
        aria-label="Contacts"
        aria-busy={query.isPlaceholderData}
        className={cn(
          "card divide-y divide-line overflow-hidden transition-opacity",
          query.isPlaceholderData && "opacity-60",
        )}
      >
        {items.map((contact) => (
          <ContactRow key={contact.id} contact={contact} search={search} />
        ))}
      </ul>
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore query={query} shown={items.length} total={total} what="contacts" onMore={loadMore} className="mt-6" />
      )}
    </>
  );
}

function ContactRow({ contact, search }: { contact: ContactSummary; search: string }) {
  const { time_zone: zone } = useTenant();
  const reached = [contact.emails[0], contact.phones[0]?.value].filter(Boolean).join(" · ");
  return (
    <li className="relative grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-3.5 gap-y-1 px-4 py-3 transition-colors hover:bg-sunken sm:px-5 md:grid-cols-[auto_minmax(0,1.3fr)_minmax(0,1fr)_minmax(0,1fr)]">
      <Avatar name={contact.name} className="size-9 phone:self-start" />
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link
            id={`contact-${contact.id}`}
            to={`/contacts/${contact.id}`}
            state={{ contacts: search }}
            className="min-w-0 break-words font-medium after:absolute after:inset-0"
          >
            {contact.name}
          </Link>
          {contact.open_leads > 0 && <Badge tone="warn">{plural(contact.open_leads, "open lead", "open leads")}</Badge>}
        </p>
        <p className="break-words text-ink-soft text-sm">{reached || "No address or number"}</p>
      </div>
      <div className="min-w-0 text-sm max-md:col-start-2">
        <p className="break-words">{contact.stage_name}</p>
        <p className="break-words text-ink-soft">{contact.source}</p>
      </div>
      <div className="min-w-0 text-sm max-md:col-start-2">
        <p className="break-words">
          {contact.assigned_to ? nameOf(contact.assigned_to) : <Badge tone="info">Nobody yet</Badge>}
        </p>
        <p className="text-ink-soft">Last activity {moment(contact.last_activity_at, zone)}</p>
      </div>
    </li>
  );
}

function NoContacts({ filters, onChange, onNew }: Omit<ContactsListProps, "search">) {
  if (!isNarrowed(filters))
    return (
      <EmptyState
        Icon={ContactRound}
        title="No contacts yet"
        action={
          onNew && (
            <div className="flex flex-wrap justify-center gap-2.5">
              <Button size="large" onClick={onNew}>
                Add a contact
              </Button>
              <Link to="/contacts/import" className={buttonStyle({ look: "secondary", size: "large" })}>
                Import contacts
              </Link>
            </div>
          )
        }
      >
        {onNew
          ? "Whoever asks about a listing appears here, and so does whom you add yourself or import."
          : "Contacts of colleagues who delegate them to you appear here."}
      </EmptyState>
    );
  return (
    <EmptyState
      Icon={UserSearch}
      title="Nobody matches"
      action={
        <Button look="secondary" onClick={() => onChange({ ...NO_FILTERS, sort: filters.sort })}>
          Clear search and filters
        </Button>
      }
    >
      Try another spelling or fewer filters.
    </EmptyState>
  );
}
