import { useInfiniteQuery } from "@tanstack/react-query";
import { useTenant } from "@/shared/api/tenant";
import type { HistoryEntry } from "@/shared/api/types";
import { type MoneyLike, moment, money } from "@/shared/lib/format";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { historyQuery } from "../queries";
import { statusTone, statusWords } from "../status";
import { PriceChart } from "./price-chart";
import { priceSteps } from "./price-steps";

/** What became of a listing's price and status, the newest first. */
export function History({ id }: { id: string }) {
  const query = useInfiniteQuery(historyQuery(id));
  const entries = query.data?.pages.flatMap(({ items }) => items) ?? [];
  if (query.isPending) return <Skeleton className="h-24" />;
  if (query.isError && entries.length === 0)
    return <Failure title="The history could not be loaded" error={query.error} onRetry={() => query.refetch()} />;
  if (entries.length === 0)
    return <p className="text-ink-soft text-sm">Nothing yet: it begins when the listing is published.</p>;
  return (
    <div className="grid gap-6">
      <PriceChart steps={priceSteps(entries)} />
      <ol className="grid">
        {entries.map((entry) => (
          <Entry key={entry.id} entry={entry} />
        ))}
      </ol>
      {query.hasNextPage && (
        <Button
          look="secondary"
          size="small"
          className="justify-self-start"
          busy={query.isFetchingNextPage}
          onClick={() => query.fetchNextPage()}
        >
          Show earlier changes
        </Button>
      )}
    </div>
  );
}

function Entry({ entry }: { entry: HistoryEntry }) {
  const { time_zone: zone } = useTenant();
  return (
    <li className="relative grid gap-0.5 border-line border-l pb-5 pl-5 last:pb-0">
      <span
        aria-hidden
        className="-left-[5px] absolute top-1.5 size-2.5 rounded-full border-2 border-surface bg-brand"
      />
      <p className="font-medium text-sm">{entry.change_type}</p>
      <p className="text-sm">
        <Values entry={entry} />
      </p>
      {entry.reason && <p className="text-ink-soft text-sm">“{entry.reason}”</p>}
      <p className="text-ink-soft text-xs">
        <time dateTime={entry.at}>{moment(entry.at, zone)}</time>
        {entry.actor_name && ` · ${entry.actor_name}`}
      </p>
    </li>
  );
}

function Values({ entry: { field, from_value: from, to_value: to } }: { entry: HistoryEntry }) {
  if (field === "standard_status")
    return (
      <>
        {from && <span className="text-ink-soft">{statusWords(String(from))} → </span>}
        {to && <Badge tone={statusTone(String(to))}>{statusWords(String(to))}</Badge>}
      </>
    );
  const [before, after] = [from as MoneyLike | null, to as MoneyLike | null];
  return (
    <span className="tabular-nums">
      {field === "close_price" && "Closed at "}
      {before && <s className="mr-1.5 text-ink-soft">{money(before)}</s>}
      {after ? money(after) : "no price"}
    </span>
  );
}
