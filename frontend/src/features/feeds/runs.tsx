import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { Feed, FeedRun } from "@/shared/api/types";
import { count, duration, moment } from "@/shared/lib/format";
import { rarely, useIsLive } from "@/shared/live/use-changes";
import { Badge, type Tone } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { runsQuery } from "./queries";

const KINDS: Record<FeedRun["kind"], string> = {
  full: "Everything",
  incremental: "Changes",
  purge: "Check for removals",
};

const STATES: Record<FeedRun["state"], { words: string; tone: Tone }> = {
  running: { words: "Running", tone: "info" },
  succeeded: { words: "Succeeded", tone: "good" },
  failed: { words: "Failed", tone: "bad" },
};

/** A check that found too much missing has not failed: it has asked to be confirmed. */
const stateOf = (run: FeedRun) =>
  run.kind === "purge" && run.state === "failed" && /withheld/i.test(run.error ?? "")
    ? { words: "Removal withheld", tone: "warn" as Tone }
    : STATES[run.state];

const COUNTS = [
  ["seen", "Read"],
  ["created", "New"],
  ["updated", "Changed"],
  ["removed", "Removed"],
  ["unchanged", "Same"],
  ["rejected", "Rejected"],
] as const;

export function Runs({ feed }: { feed: Feed }) {
  const query = useInfiniteQuery({ ...runsQuery(feed.name, feed.state === "importing"), ...rarely(useIsLive()) });
  const runs = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const titleId = `runs-${feed.name}`;
  return (
    <section aria-labelledby={titleId} className="border-line border-t pt-4 pb-5">
      <h3 id={titleId} className="mb-2 px-5 font-semibold">
        History
      </h3>
      {query.isPending ? (
        <Skeleton className="mx-5 h-32" />
      ) : query.isError && runs.length === 0 ? (
        <div className="px-5">
          <Failure title="The history could not be loaded" error={query.error} onRetry={() => query.refetch()} />
        </div>
      ) : runs.length === 0 ? (
        <p className="px-5 text-ink-soft text-sm">No run yet. The first one starts by itself.</p>
      ) : (
        <RunTable runs={runs} labelledBy={titleId} />
      )}
      {query.hasNextPage && (
        <Button
          look="secondary"
          size="small"
          className="mt-4 ml-5"
          busy={query.isFetchingNextPage}
          onClick={() => query.fetchNextPage()}
        >
          Show earlier runs
        </Button>
      )}
    </section>
  );
}

const RunTable = ({ runs, labelledBy }: { runs: FeedRun[]; labelledBy: string }) => (
  <section
    aria-label="Runs, a table that scrolls sideways"
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    tabIndex={0}
    className="-outline-offset-2 overflow-x-auto px-5"
  >
    <table aria-labelledby={labelledBy} className="w-full min-w-2xl text-left text-sm">
      <thead>
        <tr className="text-ink-soft *:whitespace-nowrap *:py-1.5 *:pr-4 *:font-normal">
          <th scope="col">Started</th>
          <th scope="col">What</th>
          <th scope="col">Result</th>
          <th scope="col" className="text-right">
            Took
          </th>
          {COUNTS.map(([name, words]) => (
            <th key={name} scope="col" className="text-right last:pr-0">
              {words}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Fragment key={run.id}>
            <Row run={run} />
            {run.error && (
              <tr>
                <td colSpan={4 + COUNTS.length} className="pb-2.5 text-bad">
                  {run.error}
                </td>
              </tr>
            )}
          </Fragment>
        ))}
      </tbody>
    </table>
  </section>
);

function Row({ run }: { run: FeedRun }) {
  const { time_zone: zone } = useTenant();
  const state = stateOf(run);
  const took = run.finished_at && (Date.parse(run.finished_at) - Date.parse(run.started_at)) / 1000;
  return (
    <tr className="border-line border-t *:whitespace-nowrap *:py-2 *:pr-4 *:tabular-nums">
      <th scope="row" className="font-normal">
        <time dateTime={run.started_at}>{moment(run.started_at, zone)}</time>
      </th>
      <td>{KINDS[run.kind]}</td>
      <td>
        <Badge tone={state.tone}>{state.words}</Badge>
      </td>
      <td className="text-right">{took == null ? "–" : duration(Number(took))}</td>
      {COUNTS.map(([name]) => (
        <td key={name} className="text-right last:pr-0">
          {count(run[name])}
          {name === "seen" && run.total != null && run.state === "running" && ` of ${count(run.total)}`}
        </td>
      ))}
    </tr>
  );
}
