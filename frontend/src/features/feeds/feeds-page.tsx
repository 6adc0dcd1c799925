import { useQuery } from "@tanstack/react-query";
import { Rss } from "lucide-react";
import { useCan } from "@/shared/api/session";
import { rarely, useChanges } from "@/shared/live/use-changes";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { FeedCard } from "./feed-card";
import { feedsQuery, searchQuery } from "./queries";
import { SearchSection } from "./search-section";

// Histories and bad records are below their feeds' key.
const SHOWN_BY = { feed: [feedsQuery.queryKey], job: [searchQuery.queryKey] };

export function FeedsPage() {
  if (useCan("feeds.manage")) return <AllFeeds />;
  return <NotAllowed title="Feeds">Owners and office managers look after the feeds.</NotAllowed>;
}

function AllFeeds() {
  const live = useChanges(SHOWN_BY);
  const query = useQuery({ ...feedsQuery, ...rarely(live) });
  return (
    <div className="mx-auto max-w-5xl">
      <PageTitle>Feeds</PageTitle>
      <p className="mb-6 text-ink-soft">Where listings come from, and what did not pass.</p>
      {query.isPending ? (
        <Skeleton className="h-56 rounded-xl" />
      ) : query.isError && !query.data ? (
        <Failure
          title="Feeds could not be loaded"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
        />
      ) : query.data.items.length === 0 ? (
        <EmptyState Icon={Rss} title="No feeds yet">
          Your platform's administrator connects this brokerage to its MLS feeds.
        </EmptyState>
      ) : (
        <div className="grid gap-6">
          {query.data.items.map((feed) => (
            <FeedCard key={feed.name} feed={feed} />
          ))}
        </div>
      )}
      <SearchSection />
    </div>
  );
}
