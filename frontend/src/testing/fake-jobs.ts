/** Work that goes on after the answer: each job is done after a while, or when the test says so. */
import { type Handler, json, missing, page } from "./answers.ts";

export interface BrokenOff {
  code: string;
  detail: string | null;
}

interface FakeJob {
  id: string;
  kind: string;
  state: "waiting" | "running" | "succeeded" | "failed" | "cancelled";
  done: number;
  total: number;
  actor: string;
  began: number;
  effect: () => string | null;
  /** What it has done by itself when it breaks off. */
  broken: (done: number, why: BrokenOff) => void;
  result: string | null;
  error: BrokenOff | null;
}

export class FakeJobs {
  all: FakeJob[] = [];
  /** How long a job takes, ms. Tests make it endless and end it by `finish`. */
  takes = 0;
  #self: () => string;

  constructor(self: () => string) {
    this.#self = self;
  }

  start(kind: string, total: number, effect: () => string | null, broken: FakeJob["broken"] = () => {}): FakeJob {
    const job: FakeJob = {
      id: `job-${this.all.length + 1}`,
      kind,
      state: "running",
      done: 0,
      total,
      actor: this.#self(),
      began: Date.now(),
      effect,
      broken,
      result: null,
      error: null,
    };
    this.all.unshift(job);
    return job;
  }

  #running = () => this.all.filter(({ state }) => state === "running");

  /** How far those that run are. */
  reach(done: number): void {
    for (const job of this.#running()) job.done = done;
  }

  finish(): void {
    for (const job of this.#running())
      Object.assign(job, { state: "succeeded", done: job.total, result: job.effect() });
  }

  fail(detail: string): void {
    for (const job of this.#running()) {
      const error = { code: "worker-failed", detail };
      job.broken(job.done, error);
      Object.assign(job, { state: "failed", error });
    }
  }

  /** Somebody ends those that run. */
  cancel(): void {
    for (const job of this.#running()) {
      job.broken(job.done, { code: "conflict", detail: "It was ended by hand." });
      Object.assign(job, { state: "cancelled" });
    }
  }

  /** A handler before which time has done its part. */
  settled =
    (handler: Handler): Handler =>
    (...asked) => {
      this.settle();
      return handler(...asked);
    };

  /** Lets time do its part. */
  settle(): void {
    if (!Number.isFinite(this.takes)) return;
    for (const job of this.#running()) {
      const part = this.takes === 0 ? 1 : (Date.now() - job.began) / this.takes;
      job.done = Math.min(job.total, Math.floor(job.total * part));
      if (part >= 1) Object.assign(job, { state: "succeeded", result: job.effect() });
    }
  }

  shown = ({ done, total, began, effect: _effect, broken: _broken, actor, ...job }: FakeJob) => ({
    ...job,
    progress: { done, total },
    attempt: 1,
    message: null,
    is_ending: false,
    actor_id: actor,
    created_at: new Date(began).toISOString(),
    started_at: new Date(began).toISOString(),
    changed_at: new Date(began).toISOString(),
    finished_at: job.state === "running" ? null : new Date(began).toISOString(),
  });

  routes: [RegExp, Handler][] = [
    [
      /^GET \/api\/v1\/jobs$/,
      this.settled((_request, url) => {
        const kind = url.searchParams.get("kind");
        return page(this.all.filter((job) => !kind || job.kind === kind).map(this.shown), url);
      }),
    ],
    [
      /^GET \/api\/v1\/jobs\/([^/]+)$/,
      this.settled((_request, _url, [id]) => {
        const job = this.all.find((each) => each.id === id);
        return job ? json(this.shown(job)) : missing();
      }),
    ],
  ];
}
