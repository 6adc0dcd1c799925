/**
 * The app's HTTP surface with state and without a database: the counterpart of the unit tests (through msw) and of
 * `npm run mock` (through Node's server). It imports nothing from the pages, so that both can agree or disagree honestly.
 */
import type { Feed, FeedRun, PropertyDetail, Rejection, SearchStatus, Session } from "../shared/api/types";
import { contactFiles } from "./contact-files.ts";
import { FakeBulk } from "./fake-bulk.ts";
import { FakeCrm } from "./fake-crm.ts";
import { FakeEditing } from "./fake-editing.ts";
import { entryRoutes, type Invitations } from "./fake-entry.ts";
import { FakeJobs } from "./fake-jobs.ts";
import { FakeKeys } from "./fake-keys.ts";
import { FakePeople } from "./fake-people.ts";
import { facets, find, mine, onMap, sorted, suggestions } from "./fake-search.ts";
import { makeFeed, makeRejection, makeRun, makeRuns } from "./feeds.ts";
import { makeHome, makeOwn } from "./homes.ts";
import { listingFiles } from "./listing-files.ts";

type Handler = (request: Request, url: URL, parts: string[]) => Response | Promise<Response>;

const json = (value: unknown, status = 200) => Response.json(value, { status });

export function problem(status: number, title: string, more: Record<string, unknown> = {}, headers: HeadersInit = {}) {
  const body = { type: "about:blank", title, status, request_id: "req-0123456789", ...more };
  const kind = { "content-type": "application/problem+json" };
  return new Response(JSON.stringify(body), { status, headers: { ...kind, ...headers } });
}

export class FakeApp {
  tenant = { slug: "acme", display_name: "Acme Realty", time_zone: "America/Chicago", currency: "USD" };
  account = { email: "owner@acme.example", password: "correct horse battery", name: "Olivia Owner" };
  session: Session | undefined;
  people = new FakePeople(() => this.session);
  crm = new FakeCrm(
    () => this.session,
    () => this.people.users,
  );
  jobs = new FakeJobs(() => this.crm.self.id);
  /** Files of contacts, and of listings. */
  bulk = new FakeBulk(contactFiles(this.crm), this.jobs, () => this.crm.self);
  listingBulk = new FakeBulk(listingFiles(this), this.jobs, () => this.crm.self);
  homes: PropertyDetail[];
  feeds: Feed[];
  rejections: Rejection[];
  runs: FeedRun[] = makeRuns();
  /** The search's index is away: the database answers in its place. */
  searchIsDown = false;
  search: SearchStatus = {
    index: "acme-1a2b3c4d.properties-3",
    documents: 0,
    rows: 0,
    lag_events: 0,
    state: "ready",
    progress: null,
  };
  invitations: Invitations = new Map();
  editing = new FakeEditing(this);
  /** Nothing reaches the app. */
  isOffline = false;
  /** Answers to give instead, by path; each is used until removed. */
  failures = new Map<string, () => Response>();
  #held = new Map<string, Promise<void>>();
  #delayed = new Map<string, Promise<void>>();
  /** `METHOD path?query` of everything asked, in order. */
  log: string[] = [];
  #keys = new FakeKeys();
  /** What is asked is done, but no answer comes back. */
  losesAnswers = false;

  constructor({ homes = 60, own = 0, signedIn = false } = {}) {
    const ours = Array.from({ length: own }, (_, index) => makeOwn(index));
    this.homes = [...ours, ...Array.from({ length: homes }, (_, index) => makeHome(index))];
    this.rejections = Array.from({ length: 23 }, (_, index) => makeRejection(index));
    this.feeds = [makeFeed({ imported: homes, rejected: this.rejections.length })];
    this.search.rows = homes;
    this.search.documents = homes;
    const invited = {
      email: this.account.email,
      name: this.account.name,
      role: "broker_owner",
      expires_at: "2026-10-31T15:00:00Z",
    };
    this.invitations.set("good-link", invited);
    this.invitations.set("spent-link", "spent");
    if (signedIn) this.signIn();
  }

  /** Keeps answers for a path back until the function that it gives is called. */
  hold(path: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(path, promise);
    return resolve;
  }

  /** What is told for a path is as of when it was asked, but arrives only once the function that it gives is called. */
  delay(path: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#delayed.set(path, promise);
    return resolve;
  }

  signIn(id = "user-1"): void {
    const { user, can } = this.people.enter(id);
    this.session = {
      user,
      can,
      tenant: { slug: this.tenant.slug, display_name: this.tenant.display_name },
      expires_at: "2026-10-31T15:00:00Z",
    };
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.log.push(`${request.method} ${url.pathname}${url.search}`);
    await this.#held.get(url.pathname);
    const failure = this.failures.get(url.pathname);
    if (failure) return failure();
    const answer = await this.#keys.answer(request, () => this.#answer(request, url));
    await this.#delayed.get(url.pathname);
    return this.losesAnswers ? Response.error() : answer;
  }

  async #answer(request: Request, url: URL): Promise<Response> {
    const edited = await this.editing.handle(request, url);
    if (edited) return edited;
    for (const [pattern, handler] of this.#routes) {
      const match = pattern.exec(`${request.method} ${url.pathname}`);
      if (match) return handler(request, url, match.slice(1).map(decodeURIComponent));
    }
    return problem(404, "Not found", { detail: `There is nothing at ${url.pathname}.` });
  }

  #guarded =
    (handler: Handler): Handler =>
    (...args) =>
      this.session ? handler(...args) : problem(401, "Sign in first");

  #routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/tenant$/, () => json(this.tenant)],
    [/^GET \/api\/v1\/session$/, this.#guarded(() => json(this.session))],
    [
      /^POST \/auth\/logout$/,
      () => {
        this.session = undefined;
        return new Response(null, { status: 204 });
      },
    ],
    ...entryRoutes(this),
    [/^GET \/api\/v1\/properties$/, this.#guarded((_request, url) => this.#search(url.searchParams))],
    [
      /^GET \/api\/v1\/properties\/suggestions$/,
      this.#guarded((_request, url) => json({ items: suggestions(this.homes, url.searchParams) })),
    ],
    [/^GET \/api\/v1\/properties\/map$/, this.#guarded((_request, url) => json(onMap(this.homes, url.searchParams)))],
    [
      /^GET \/api\/v1\/properties\/([^/]+)$/,
      this.#guarded((_request, _url, [id]) => {
        const home = this.homes.find((candidate) => candidate.id === id);
        return home ? json(home) : problem(404, "No such property");
      }),
    ],
    [/^GET \/api\/v1\/search\/status$/, this.#guarded(() => json(this.search))],
    [/^POST \/api\/v1\/search\/rebuilds$/, this.#guarded(() => this.#rebuild())],
    [
      /^GET \/api\/v1\/feeds\/([^/]+)\/runs$/,
      this.#guarded((_request, url) => this.#page(this.runs, url.searchParams, 20)),
    ],
    [/^POST \/api\/v1\/feeds\/([^/]+)\/runs$/, this.#guarded((_request, _url, [name = ""]) => this.#run(name))],
    [/^GET \/api\/v1\/feeds$/, this.#guarded(() => json({ items: this.feeds }))],
    [
      /^GET \/api\/v1\/feeds\/([^/]+)\/rejections$/,
      this.#guarded((_request, url) => this.#page(this.rejections, url.searchParams, 20)),
    ],
    ...this.crm.leads.publicRoutes,
    ...[this.people, this.bulk, this.listingBulk, this.jobs, this.crm]
      .flatMap(({ routes }) => routes)
      .map(([path, handler]): [RegExp, Handler] => [path, this.#guarded(handler)]),
  ];

  #rebuild(): Response {
    this.search = { ...this.search, state: "rebuilding", progress: { done: 0, total: this.search.rows } };
    return json(this.search, 202);
  }

  #run(name: string): Response {
    const feed = this.feeds.find((candidate) => candidate.name === name);
    if (!feed) return problem(404, "No such feed");
    if (feed.state === "importing") return problem(409, "A run is under way");
    Object.assign(feed, { state: "importing", progress: { seen: 0, total: null } });
    const run = makeRun({ id: `run-${this.runs.length + 1}`, state: "running", finished_at: null });
    this.runs = [run, ...this.runs];
    return json(run, 202);
  }

  #search(query: URLSearchParams): Response {
    if (query.get("mine") === "true")
      return this.#page(mine(this.homes, query), query, 24, { source: "database", facets: null });
    const found = sorted(find(this.homes, query), query);
    const withFacets = query.get("facets") === "true" && !this.searchIsDown;
    return this.#page(found, query, 24, {
      source: this.searchIsDown ? "database" : "search",
      facets: withFacets ? facets(this.homes, query) : null,
    });
  }

  #page<T>(items: T[], query: URLSearchParams, size: number, more: Record<string, unknown> = {}): Response {
    const start = Number(query.get("cursor") ?? 0);
    const end = start + Number(query.get("limit") ?? size);
    return json({
      ...more,
      items: items.slice(start, end),
      total: items.length,
      next_cursor: end < items.length ? String(end) : null,
    });
  }
}
