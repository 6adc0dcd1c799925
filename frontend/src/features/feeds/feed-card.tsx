import { useTenant } from "@/shared/api/tenant";
import type { Feed } from "@/shared/api/types";
import { count, duration, moment } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { Badge, type Tone } from "@/shared/ui/badge";
import { Progress } from "@/shared/ui/progress";
import { Rejections } from "./rejections";
import { Runs } from "./runs";
import { SyncButton } from "./sync-button";

const STATES: Record<Feed["state"], { words: string; tone: Tone }> = {
  idle: { words: "Up to date", tone: "good" },
  importing: { words: "Importing", tone: "info" },
  failed: { words: "Failed", tone: "bad" },
};

/** A feed that has never run is idle too, but not up to date. */
const stateOf = (feed: Feed) =>
  feed.state === "idle" && !feed.last_finished_at ? { words: "Waiting", tone: "plain" as Tone } : STATES[feed.state];

export function FeedCard({ feed }: { feed: Feed }) {
  const state = stateOf(feed);
  const titleId = `feed-${feed.name}`;
  return (
    <section aria-labelledby={titleId} className="card overflow-hidden">
      <header className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-5 pt-5 pb-4">
        <div className="grid min-w-0 gap-1">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
            <h2 id={titleId} className="font-semibold text-lg">
              {feed.name}
            </h2>
            <Badge tone={state.tone}>{state.words}</Badge>
          </div>
          <p className="break-all text-ink-soft text-sm">{feed.url}</p>
        </div>
        <SyncButton feed={feed} />
      </header>
      {feed.state === "importing" && (
        <div className="px-5 pb-4">
          <Progress
            label={`Import of ${feed.name}`}
            done={feed.progress?.seen ?? 0}
            total={feed.progress?.total}
            unit="records read"
          />
        </div>
      )}
      {feed.last_error && (
        <div className="px-5 pb-4">
          <Alert look="bad">{feed.last_error}</Alert>
        </div>
      )}
      <Counts feed={feed} />
      <Runs feed={feed} />
      {feed.rejected > 0 && <Rejections feed={feed} />}
    </section>
  );
}

function Counts({ feed }: { feed: Feed }) {
  const { time_zone: zone } = useTenant();
  const at = (value: string | null | undefined) => (value ? moment(value, zone) : "Not yet");
  const entries = [
    ["Imported", count(feed.imported)],
    ["Rejected", count(feed.rejected)],
    ["Last change", at(feed.last_change_at)],
    ["Behind by at most", feed.lag_seconds == null ? "Not yet known" : duration(feed.lag_seconds)],
  ];
  return (
    <dl className="grid grid-cols-2 gap-px border-line border-t bg-line lg:grid-cols-4">
      {entries.map(([name, value]) => (
        <div key={name} className="bg-surface px-5 py-3.5">
          <dt className="text-ink-soft text-sm">{name}</dt>
          <dd className="mt-0.5 font-medium tabular-nums">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
