/** A made-up feed and its history, in the shape of the API. */
import type { Feed, FeedRun, Rejection } from "../shared/api/types";

export const makeFeed = (change: Partial<Feed> = {}): Feed => ({
  name: "ames",
  url: "http://mls-feed.mls-feed.svc.cluster.local:8080/odata",
  state: "idle",
  imported: 60,
  rejected: 23,
  last_started_at: "2026-10-30T15:03:40Z",
  last_finished_at: "2026-10-30T15:04:00Z",
  last_error: null,
  checkpoint: null,
  last_change_at: "2026-10-30T15:03:58Z",
  lag_seconds: 22,
  progress: null,
  ...change,
});

export const makeRun = (change: Partial<FeedRun> = {}): FeedRun => ({
  id: "run-1",
  kind: "incremental",
  state: "succeeded",
  started_at: "2026-10-30T15:03:40Z",
  finished_at: "2026-10-30T15:03:44Z",
  seen: 12,
  created: 2,
  updated: 7,
  removed: 0,
  unchanged: 3,
  rejected: 0,
  total: 12,
  error: null,
  checkpoint: null,
  ...change,
});

/** The newest first: changes every minute, a check for removals, a failure, and the first import at the end. */
export const makeRuns = (): FeedRun[] => [
  makeRun({ id: "run-5" }),
  makeRun({
    id: "run-4",
    kind: "purge",
    started_at: "2026-10-30T15:02:00Z",
    finished_at: "2026-10-30T15:02:03Z",
    seen: 60,
    created: 0,
    updated: 0,
    removed: 1,
    unchanged: 59,
  }),
  makeRun({
    id: "run-3",
    kind: "purge",
    state: "failed",
    started_at: "2026-10-30T14:02:00Z",
    finished_at: "2026-10-30T14:02:01Z",
    seen: 4,
    created: 0,
    updated: 0,
    removed: 0,
    unchanged: 4,
    error: "Removal withheld: the feed names 4 of 60 listings, fewer than half.",
  }),
  makeRun({
    id: "run-2",
    state: "failed",
    started_at: "2026-10-30T14:01:00Z",
    finished_at: "2026-10-30T14:01:31Z",
    seen: 0,
    created: 0,
    updated: 0,
    unchanged: 0,
    error: "The feed answered 502 to page 1.",
  }),
  makeRun({
    id: "run-1",
    kind: "full",
    started_at: "2026-10-30T13:40:00Z",
    finished_at: "2026-10-30T13:41:12Z",
    seen: 83,
    created: 60,
    updated: 0,
    unchanged: 0,
    rejected: 23,
    total: 83,
  }),
];

const BAD_REASONS = [
  [{ field: "ListPrice", message: "must be greater than 0, is -1" }],
  [{ field: "StandardStatus", message: "“Sort of sold” is no StandardStatus" }],
  [
    { field: "YearBuilt", message: "lies in the future (2999)" },
    { field: "BedroomsTotal", message: "must be a whole number" },
  ],
  [{ field: "UnparsedAddress", message: "is missing" }],
];

export const makeRejection = (index: number): Rejection => ({
  listing_key: index % 5 === 4 ? null : `AMES-9${String(index).padStart(4, "0")}`,
  reasons: BAD_REASONS[index % BAD_REASONS.length] ?? [],
  record: { ListingKey: `AMES-9${index}`, ListPrice: -1, StandardStatus: "Sort of sold", City: "Ames" },
  seen_at: "2026-10-30T15:03:00Z",
});
