import { useInfiniteQuery } from "@tanstack/react-query";
import { UserSearch, UsersRound } from "lucide-react";
import { Link } from "react-router";
import { useSession } from "@/shared/api/session";
import type { User } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { words } from "@/shared/lib/format";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { Avatar } from "@/shared/ui/avatar";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { Skeleton } from "@/shared/ui/skeleton";
import { NO_FILTERS, type PeopleFilters, toSearch } from "./filters";
import { usersQuery } from "./queries";
import type { ChangeFilters } from "./use-people-filters";
import { usePlaces } from "./use-places";

interface PeopleListProps {
  filters: PeopleFilters;
  /** The search, for the way back from a person. */
  search: string;
  onChange: ChangeFilters;
  onInvite: () => void;
}

/** The people found, page after page; the first of a newly loaded page takes the focus from the button. */
export function PeopleList({ filters, search, onChange, onInvite }: PeopleListProps) {
  const query = useInfiniteQuery(usersQuery(filters));
  const { placeOf } = usePlaces();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, items.length, "a");

  if (query.isPending) return <Skeleton className="h-96 rounded-xl" />;
  if (query.isError && items.length === 0)
    return (
      <Failure
        title="People could not be loaded"
        error={query.error}
        onRetry={() => query.refetch()}
        retrying={query.isRefetching}
      />
    );
  if (items.length === 0) return <NoPeople filters={filters} onChange={onChange} onInvite={onInvite} />;
  const total = query.data?.pages.at(-1)?.total ?? 0;
  return (
    <>
      <ul
        ref={list}
        aria-label="People"
        aria-busy={query.isPlaceholderData}
        className={cn(
          "card divide-y divide-line overflow-hidden transition-opacity",
          query.isPlaceholderData && "opacity-60",
        )}
      >
        {items.map((user) => (
          <PersonRow key={user.id} user={user} place={placeOf(user)} search={search} />
        ))}
      </ul>
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore query={query} shown={items.length} total={total} what="people" onMore={loadMore} className="mt-6" />
      )}
    </>
  );
}

function PersonRow({ user, place, search }: { user: User; place: string; search: string }) {
  const session = useSession();
  return (
    <li className="relative grid grid-cols-[auto_minmax(0,1fr)] items-center gap-x-3.5 px-4 py-3 transition-colors hover:bg-sunken sm:px-5 md:grid-cols-[auto_minmax(0,1.2fr)_9rem_minmax(0,1fr)]">
      <Avatar name={user.name || user.email} className="size-9 phone:self-start" />
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <Link
            id={`person-${user.id}`}
            to={`/people/${user.id}`}
            state={{ people: search }}
            className="min-w-0 break-words font-medium after:absolute after:inset-0"
          >
            {user.name || user.email}
          </Link>
          {user.id === session.user.id && <Badge tone="info">You</Badge>}
          {user.state === "deactivated" && <Badge tone="warn">Deactivated</Badge>}
        </p>
        <p className="break-words text-ink-soft text-sm">{user.email}</p>
      </div>
      <p className="text-sm max-md:col-start-2">
        {words(user.role)}
        <span className="text-ink-soft md:hidden">{place && ` · ${place}`}</span>
      </p>
      <p className="truncate text-ink-soft text-sm max-md:hidden">{place || "No office"}</p>
    </li>
  );
}

function NoPeople({ filters, onChange, onInvite }: Omit<PeopleListProps, "search">) {
  if (toSearch(filters) === "")
    return (
      <EmptyState
        Icon={UsersRound}
        title="Nobody is here yet"
        action={<Button onClick={onInvite}>Invite someone</Button>}
      >
        Invite the first person; they appear here once they have accepted.
      </EmptyState>
    );
  return (
    <EmptyState
      Icon={UserSearch}
      title="Nobody matches"
      action={
        <div className="flex flex-wrap justify-center gap-2.5">
          {filters.state === "active" && (
            <Button look="secondary" onClick={() => onChange({ state: "all" })}>
              Include deactivated people
            </Button>
          )}
          <Button look="secondary" onClick={() => onChange(NO_FILTERS)}>
            Clear search and filters
          </Button>
        </div>
      }
    >
      Try another spelling or fewer filters. Someone who has not accepted yet is under open invitations.
    </EmptyState>
  );
}
