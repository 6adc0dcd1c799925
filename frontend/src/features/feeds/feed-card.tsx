import { useTenant } from "@/shared/api/tenant";
import type { Feed } from "@/shared/api/types";
import { count, moment } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { Badge, type Tone } from "@/shared/ui/badge";
import { Rejections } from "./rejections";

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
      <header className="grid gap-1 px-5 pt-5 pb-4">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <h2 id={titleId} className="font-semibold text-lg">
            {feed.name}
          </h2>
          <Badge tone={state.tone}>{state.words}</Badge>
        </div>
        <p className="break-all text-ink-soft text-sm">{feed.url}</p>
      </header>
      {feed.state === "importing" && <ImportProgress feed={feed} />}
      {feed.last_error && (
        <div className="px-5 pb-4">
          <Alert look="bad">{feed.last_error}</Alert>
        </div>
      )}
      <Counts feed={feed} />
      {feed.rejected > 0 && <Rejections feed={feed} />}
    </section>
  );
}

/** The feed does not say how much is left, so the bar shows that work goes on and the words show how far it is. */
const ImportProgress = ({ feed }: { feed: Feed }) => (
  <div className="px-5 pb-4">
    <div
      role="progressbar"
      aria-label={`Import of ${feed.name}`}
      aria-valuetext={`${count(feed.imported)} listings in so far`}
      className="h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div className="h-full w-1/3 animate-[sweep_1.6s_ease-in-out_infinite] rounded-full bg-brand" />
    </div>
    <p className="mt-2 text-ink-soft text-sm tabular-nums">{count(feed.imported)} listings in so far</p>
  </div>
);

function Counts({ feed }: { feed: Feed }) {
  const { time_zone: zone } = useTenant();
  const at = (value: string | null | undefined) => (value ? moment(value, zone) : "Not yet");
  const entries = [
    ["Imported", count(feed.imported)],
    ["Rejected", count(feed.rejected)],
    ["Last started", at(feed.last_started_at)],
    ["Last finished", at(feed.last_finished_at)],
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
