import { useInfiniteQuery } from "@tanstack/react-query";
import { useTenant } from "@/shared/api/tenant";
import type { Feed, Rejection } from "@/shared/api/types";
import { moment, plural } from "@/shared/lib/format";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { rejectionsQuery } from "./queries";

/** The records that a feed sent and the import refused, each with what is wrong, field by field. */
export function Rejections({ feed }: { feed: Feed }) {
  const query = useInfiniteQuery(rejectionsQuery(feed.name, feed.rejected));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, items.length, "summary");
  const total = query.data?.pages.at(-1)?.total ?? feed.rejected;
  const titleId = `rejections-${feed.name}`;
  return (
    <section aria-labelledby={titleId} className="border-line border-t px-5 pt-4 pb-5">
      <h3 id={titleId} className="font-semibold">
        {plural(total, "bad record", "bad records")}
      </h3>
      <p className="mb-3 text-ink-soft text-sm">Left out of the listings until their source corrects them.</p>
      {query.isPending ? (
        <Skeleton className="h-24" />
      ) : query.isError && items.length === 0 ? (
        <Failure title="Bad records could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <ul ref={list} className="grid gap-2.5">
          {items.map((item, index) => (
            <RejectionItem key={`${item.listing_key ?? "none"}-${index.toString()}`} item={item} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button look="secondary" size="small" className="mt-4" busy={query.isFetchingNextPage} onClick={loadMore}>
          Load more
        </Button>
      )}
    </section>
  );
}

function RejectionItem({ item }: { item: Rejection }) {
  const { time_zone: zone } = useTenant();
  return (
    <li className="rounded-lg border border-line px-4 py-3">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <p className="break-all font-medium font-mono text-sm">{item.listing_key ?? "No listing key"}</p>
        <p className="text-ink-soft text-xs">Seen {moment(item.seen_at, zone)}</p>
      </div>
      <ul className="mt-1.5 grid gap-1 text-sm">
        {item.reasons.map(({ field, message }) => (
          <li key={`${field} ${message}`} className="break-words">
            <code className="rounded bg-bad-soft px-1.5 py-0.5 font-mono text-on-bad-soft text-xs">{field}</code>{" "}
            <span className="text-ink-soft">{message}</span>
          </li>
        ))}
      </ul>
      <details className="mt-2 text-sm">
        <summary className="w-fit rounded py-0.5 text-brand underline underline-offset-4">
          Record as received<span className="sr-only"> for {item.listing_key ?? "a record without a key"}</span>
        </summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
        <pre tabIndex={0} className="mt-2 max-h-72 overflow-auto rounded-lg bg-sunken p-3 font-mono text-xs">
          {JSON.stringify(item.record, null, 2)}
        </pre>
      </details>
    </li>
  );
}
