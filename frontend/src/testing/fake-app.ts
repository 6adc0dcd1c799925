/**
 * The app's HTTP surface with state and without a database: the counterpart of the unit tests (through msw) and of
 * `npm run mock` (through Node's server). It imports nothing from the pages, so that both can agree or disagree honestly.
 */
import type { Feed, PropertyDetail, Rejection, Session } from "../shared/api/types";
import { makeHome } from "./homes.ts";

type Handler = (request: Request, url: URL, parts: string[]) => Response | Promise<Response>;

const json = (value: unknown, status = 200) => Response.json(value, { status });

export function problem(status: number, title: string, more: Record<string, unknown> = {}, headers: HeadersInit = {}) {
  const body = { type: "about:blank", title, status, request_id: "req-0123456789", ...more };
  const kind = { "content-type": "application/problem+json" };
  return new Response(JSON.stringify(body), { status, headers: { ...kind, ...headers } });
}

const BAD_REASONS = [
  [{ field: "ListPrice", message: "must be greater than 0, is -1" }],
  [{ field: "StandardStatus", message: "“Sort of sold” is no StandardStatus" }],
  [
    { field: "YearBuilt", message: "lies in the future (2999)" },
    { field: "BedroomsTotal", message: "must be a whole number" },
  ],
  [{ field: "UnparsedAddress", message: "is missing" }],
];

const makeRejection = (index: number): Rejection => ({
  listing_key: index % 5 === 4 ? null : `AMES-9${String(index).padStart(4, "0")}`,
  reasons: BAD_REASONS[index % BAD_REASONS.length] ?? [],
  record: { ListingKey: `AMES-9${index}`, ListPrice: -1, StandardStatus: "Sort of sold", City: "Ames" },
  seen_at: "2026-10-30T15:03:00Z",
});

export class FakeApp {
  tenant = { slug: "acme", display_name: "Acme Realty", time_zone: "America/Chicago", currency: "USD" };
  account = { email: "owner@acme.example", password: "correct horse battery", name: "Olivia Owner" };
  session: Session | undefined;
  homes: PropertyDetail[];
  feeds: Feed[];
  rejections: Rejection[];
  invitations = new Map<string, { email: string; name: string; role: string; expires_at: string } | "spent">();
  /** Answers to give instead, by path; each is used until removed. */
  failures = new Map<string, () => Response>();
  #held = new Map<string, Promise<void>>();
  /** `METHOD path?query` of everything asked, in order. */
  log: string[] = [];

  constructor({ homes = 60, signedIn = false } = {}) {
    this.homes = Array.from({ length: homes }, (_, index) => makeHome(index));
    this.rejections = Array.from({ length: 23 }, (_, index) => makeRejection(index));
    this.feeds = [
      {
        name: "ames",
        url: "http://mls-feed.mls-feed.svc.cluster.local:8080/odata",
        state: "idle",
        imported: homes,
        rejected: this.rejections.length,
        last_started_at: "2026-10-30T15:03:40Z",
        last_finished_at: "2026-10-30T15:04:00Z",
        last_error: null,
        checkpoint: null,
      } as Feed,
    ];
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

  signIn(): void {
    const { email, name } = this.account;
    this.session = {
      user: { id: "user-1", name, email, role: "broker_owner" },
      tenant: { slug: this.tenant.slug, display_name: this.tenant.display_name },
      expires_at: "2026-10-31T15:00:00Z",
    } as Session;
  }

  async handle(request: Request): Promise<Response> {
    const url = new URL(request.url);
    this.log.push(`${request.method} ${url.pathname}${url.search}`);
    await this.#held.get(url.pathname);
    const failure = this.failures.get(url.pathname);
    if (failure) return failure();
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
    [/^POST \/oauth\/sign-in$/, (request) => this.#signIn(request)],
    [
      /^POST \/auth\/logout$/,
      () => {
        this.session = undefined;
        return new Response(null, { status: 204 });
      },
    ],
    [/^GET \/api\/v1\/invitations\/([^/]+)$/, (_request, _url, [token = ""]) => this.#invitation(token)],
    [
      /^POST \/api\/v1\/invitations\/([^/]+)\/acceptance$/,
      (request, _url, [token = ""]) => this.#accept(request, token),
    ],
    [/^GET \/api\/v1\/properties$/, this.#guarded((_request, url) => this.#search(url.searchParams))],
    [
      /^GET \/api\/v1\/properties\/([^/]+)$/,
      this.#guarded((_request, _url, [id]) => {
        const home = this.homes.find((candidate) => candidate.id === id);
        return home ? json(home) : problem(404, "No such property");
      }),
    ],
    [/^GET \/api\/v1\/feeds$/, this.#guarded(() => json({ items: this.feeds }))],
    [
      /^GET \/api\/v1\/feeds\/([^/]+)\/rejections$/,
      this.#guarded((_request, url) => this.#page(this.rejections, url.searchParams, 20)),
    ],
  ];

  async #signIn(request: Request): Promise<Response> {
    const given = (await request.json()) as { request: string; email: string; password: string };
    if (given.request === "expired") return problem(410, "The sign-in request has expired");
    if (given.email !== this.account.email || given.password !== this.account.password)
      return problem(401, "Invalid credentials", { type: "https://rooftree.dev/problems/invalid-credentials" });
    return json({ redirect_to: "/auth/callback?code=c&state=s" });
  }

  #invitation(token: string): Response {
    const invitation = this.invitations.get(token);
    if (!invitation) return problem(404, "No such invitation");
    return invitation === "spent" ? problem(410, "The invitation was used or has expired") : json(invitation);
  }

  async #accept(request: Request, token: string): Promise<Response> {
    if (this.invitations.get(token) === "spent") return problem(410, "The invitation was used or has expired");
    const given = (await request.json()) as { name: string; password: string };
    if (given.password.startsWith("password")) {
      const errors = [{ pointer: "/password", detail: "This is one of the passwords that are tried first." }];
      return problem(422, "The request is not valid", { errors });
    }
    this.invitations.set(token, "spent");
    Object.assign(this.account, given);
    return json({ redirect_to: "/auth/login?return_to=/listings" }, 201);
  }

  #search(query: URLSearchParams): Response {
    const least = (name: string) => Number(query.get(name) ?? 0);
    const most = (name: string) => Number(query.get(name) ?? Number.POSITIVE_INFINITY);
    const oneOf = (name: string, value: string) => !query.has(name) || query.getAll(name).includes(value);
    const words = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const found = this.homes.filter((home) => {
      const price = home.list_price.amount / 100;
      const text = `${home.unparsed_address} ${home.subdivision_name} ${home.public_remarks}`.toLowerCase();
      return (
        price >= least("min_price") &&
        price <= most("max_price") &&
        Number(home.bedrooms_total) >= least("min_beds") &&
        Number(home.bathrooms_total) >= least("min_baths") &&
        Number(home.living_area) >= least("min_area") &&
        Number(home.living_area) <= most("max_area") &&
        oneOf("type", home.property_sub_type ?? "") &&
        oneOf("status", home.standard_status) &&
        words.every((word) => text.includes(word))
      );
    });
    return this.#page(this.#sorted(found, query.get("sort") ?? "-modified"), query, 24);
  }

  #sorted(homes: PropertyDetail[], sort: string): PropertyDetail[] {
    const keys: Record<string, (home: PropertyDetail) => number> = {
      list_price: (home) => home.list_price.amount,
      modified: (home) => Date.parse(home.modification_timestamp),
      area: (home) => Number(home.living_area),
    };
    const key = keys[sort.replace("-", "")];
    if (!key) return homes;
    return homes.toSorted((a, b) => (sort.startsWith("-") ? key(b) - key(a) : key(a) - key(b)));
  }

  #page<T>(items: T[], query: URLSearchParams, size: number): Response {
    const start = Number(query.get("cursor") ?? 0);
    const end = start + Number(query.get("limit") ?? size);
    return json({
      items: items.slice(start, end),
      total: items.length,
      next_cursor: end < items.length ? String(end) : null,
    });
  }
}
