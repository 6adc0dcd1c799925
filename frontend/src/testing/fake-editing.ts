/** How the fake app lets listings be edited: versions, refusals, history and photos, with state. */
import type { HistoryEntry, Photo, PropertyDetail, Session } from "../shared/api/types";
import { errorsOf, lacks, MOVES, TRACKED, trim } from "./editing-rules.ts";
import { makeDraft } from "./homes.ts";

interface House {
  homes: PropertyDetail[];
  session: Session | undefined;
}
type Patch = Partial<PropertyDetail>;
type Handler = (request: Request, url: URL, id: string) => Response | Promise<Response>;

const json = (value: unknown, status = 200) => Response.json(value, { status });

function problem(status: number, title: string, more: Record<string, unknown> = {}): Response {
  const body = { type: "about:blank", title, status, request_id: "req-0123456789", ...more };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

export class FakeEditing {
  /** What happened to each listing, newest first. */
  history = new Map<string, HistoryEntry[]>();
  /** How long a picture is worked on, ms. Tests end it by `develop`. */
  processing = Number.POSITIVE_INFINITY;
  /** Takes off spaces at the ends of texts, as the app does. */
  trims = false;
  #app: House;
  #changes = new Map<string, { version: number; by: string; at: string; fields: string[] }[]>();
  #deleted = new Map<string, { home: string; photo: Photo; place: number }>();
  #uploaded = new Map<string, number>();
  #last = 0;

  constructor(app: House) {
    this.#app = app;
  }

  home(id: string): PropertyDetail {
    const home = this.#app.homes.find((candidate) => candidate.id === id);
    if (!home) throw new Error(`There is no ${id}.`);
    return home;
  }

  /** Another person's change, from another browser. */
  changeBy(name: string, id: string, patch: Patch): void {
    this.#change(this.home(id), patch, name);
  }

  develop(): void {
    for (const { photos } of this.#app.homes)
      for (const photo of photos) if (photo.state === "processing") photo.state = "ready";
  }

  async handle(request: Request, url: URL): Promise<Response | undefined> {
    if (Number.isFinite(this.processing)) this.#age();
    for (const [pattern, handler] of this.#routes) {
      const match = pattern.exec(`${request.method} ${url.pathname}`);
      if (!match) continue;
      if (!this.#app.session) return problem(401, "Sign in first");
      const answer = await handler(request, url, match[1] ?? "");
      return answer;
    }
    return undefined;
  }

  #routes: [RegExp, Handler][] = [
    [/^POST \/api\/v1\/properties$/, (request) => this.#create(request)],
    [/^PATCH \/api\/v1\/properties\/([^/]+)$/, (request, _url, id) => this.#patch(request, id)],
    [/^POST \/api\/v1\/properties\/([^/]+)\/status-changes$/, (request, _url, id) => this.#move(request, id)],
    [/^GET \/api\/v1\/properties\/([^/]+)\/history$/, (_request, _url, id) => this.#told(id)],
    [/^POST \/api\/v1\/properties\/([^/]+)\/photos$/, (request, url, id) => this.#upload(request, url, id)],
    [/^PUT \/api\/v1\/properties\/([^/]+)\/photos\/order$/, (request, _url, id) => this.#order(request, id)],
    [/^PATCH \/api\/v1\/photos\/([^/]+)$/, (request, _url, id) => this.#describe(request, id)],
    [/^DELETE \/api\/v1\/photos\/([^/]+)$/, (_request, _url, id) => this.#delete(id)],
    [/^POST \/api\/v1\/photos\/([^/]+)\/restoration$/, (_request, _url, id) => this.#restore(id)],
  ];

  #versioned = async (request: Request, id: string, act: (home: PropertyDetail, by: string) => Promise<Response>) => {
    const home = this.#app.homes.find((candidate) => candidate.id === id);
    if (!home) return problem(404, "No such property");
    if (!home.can_edit) return problem(403, "You may not edit this listing");
    const match = request.headers.get("if-match");
    if (match === null) return problem(428, "If-Match is required");
    const by = request.headers.get("x-fake-actor") ?? this.#app.session?.user.name ?? "";
    if (match === `"${home.version}"`) return act(home, by);
    const since = (this.#changes.get(id) ?? []).filter(({ version }) => version > Number(match.replaceAll('"', "")));
    const fields = [...new Set(since.flatMap((change) => change.fields))];
    const last = since.at(-1);
    return problem(412, "The listing has changed", {
      type: "https://rooftree.dev/problems/version-conflict",
      current_version: home.version,
      changed_at: last?.at ?? null,
      changed_by: last?.by ?? null,
      changed_fields: fields,
    });
  };

  #change(home: PropertyDetail, patch: Patch, by: string, reason: string | null = null): void {
    const at = new Date().toISOString();
    for (const field of TRACKED) {
      const [from, to] = [home[field] ?? null, patch[field]];
      if (to === undefined || JSON.stringify(from) === JSON.stringify(to)) continue;
      const words = field === "list_price" ? "Price Change" : String(patch.standard_status ?? "Closed");
      const change_type = home.standard_status === "Incomplete" && field === "standard_status" ? "New Listing" : words;
      const entry = {
        id: `entry-${++this.#last}`,
        at,
        actor_name: by,
        change_type,
        field,
        from_value: from,
        to_value: to,
      };
      if (field !== "list_price" || home.standard_status !== "Incomplete")
        this.history.set(home.id, [{ ...entry, reason } as HistoryEntry, ...(this.history.get(home.id) ?? [])]);
    }
    const version = home.version + 1;
    Object.assign(home, patch, { version, updated_at: at, modification_timestamp: at });
    home.status_moves = MOVES[home.standard_status] ?? [];
    home.photo = home.photos[0] ?? null;
    this.#changes.set(home.id, [
      ...(this.#changes.get(home.id) ?? []),
      { version, by, at, fields: Object.keys(patch) },
    ]);
  }

  async #create(request: Request): Promise<Response> {
    const given = (await request.json()) as Patch;
    const home = makeDraft(`own-${++this.#last}`, given);
    this.#app.homes.unshift(home);
    return json(home, 201);
  }

  #patch = (request: Request, id: string) =>
    this.#versioned(request, id, async (home, by) => {
      const given = (await request.json()) as Patch;
      if (this.trims) trim(given);
      const errors = errorsOf(given);
      if (errors.length > 0) return problem(422, "The request is not valid", { errors });
      const cleared = given.list_price === null ? { list_price: { amount: 0, currency: "USD" } } : {};
      this.#change(home, { ...given, ...cleared }, by);
      return json(home);
    });

  #move = (request: Request, id: string) =>
    this.#versioned(request, id, async (home, by) => {
      const { reason = null, standard_status: to, ...closing } = (await request.json()) as Patch & { reason?: string };
      if (!to || !home.status_moves.includes(to))
        return problem(409, "This move is not allowed", { detail: `Allowed: ${home.status_moves.join(", ")}.` });
      const errors = lacks(home);
      if (errors.length > 0) return problem(422, "The listing is not complete", { errors });
      if (to === "Delete") this.#app.homes = this.#app.homes.filter((other) => other !== home);
      this.#change(home, { ...closing, standard_status: to }, by, reason);
      return json(home);
    });

  #told(id: string): Response {
    const items = this.history.get(id) ?? [];
    return json({ items, total: items.length, next_cursor: null });
  }

  async #upload(request: Request, url: URL, id: string): Promise<Response> {
    const bytes = (await request.arrayBuffer()).byteLength;
    if (bytes < 4) return problem(422, "The picture cannot be read", { detail: "The picture is damaged." });
    const photo = this.#photo(url.searchParams.get("description"));
    this.#uploaded.set(String(photo.id), Date.now());
    const home = this.home(id);
    home.photos = [...home.photos, photo];
    this.#change(home, { photos: home.photos }, this.#app.session?.user.name ?? "");
    return json(photo, 201);
  }

  #photo(description: string | null): Photo {
    const id = `photo-${++this.#last}`;
    const url = `/api/v1/photos/${id}`;
    const sizes = { small: `${url}?size=small`, medium: `${url}?size=medium`, large: `${url}?size=large` };
    const alt = description ?? "Photo of the home";
    return { id, url: sizes.large, alt, description, width: 1200, height: 800, state: "processing", sizes };
  }

  #order = (request: Request, id: string) =>
    this.#versioned(request, id, async (home, by) => {
      const { photo_ids: ids } = (await request.json()) as { photo_ids: string[] };
      const photos = ids.flatMap((wanted) => home.photos.filter((photo) => photo.id === wanted));
      if (photos.length !== home.photos.length) return problem(422, "Not all photos are named");
      this.#change(home, { photos }, by);
      return json(home);
    });

  #withPhoto(id: string): { home: PropertyDetail; photo: Photo } | undefined {
    for (const home of this.#app.homes) {
      const photo = home.photos.find((candidate) => candidate.id === id);
      if (photo) return { home, photo };
    }
    return undefined;
  }

  async #describe(request: Request, id: string): Promise<Response> {
    const found = this.#withPhoto(id);
    if (!found) return problem(404, "No such photo");
    const { description } = (await request.json()) as { description: string | null };
    Object.assign(found.photo, { description, alt: description ?? "Photo of the home" });
    this.#change(found.home, { photos: [...found.home.photos] }, this.#app.session?.user.name ?? "");
    return json(found.photo);
  }

  #delete(id: string): Response {
    const found = this.#withPhoto(id);
    if (!found) return problem(404, "No such photo");
    const { home, photo } = found;
    this.#deleted.set(id, { home: home.id, photo, place: home.photos.indexOf(photo) });
    this.#change(home, { photos: home.photos.filter((other) => other !== photo) }, this.#app.session?.user.name ?? "");
    return new Response(null, { status: 204 });
  }

  #restore(id: string): Response {
    const gone = this.#deleted.get(id);
    if (!gone) return problem(404, "No such photo");
    this.#deleted.delete(id);
    const home = this.home(gone.home);
    this.#change(
      home,
      { photos: home.photos.toSpliced(gone.place, 0, gone.photo) },
      this.#app.session?.user.name ?? "",
    );
    return json(gone.photo);
  }

  #age(): void {
    for (const { photos } of this.#app.homes)
      for (const photo of photos)
        if (photo.state === "processing" && Date.now() - (this.#uploaded.get(photo.id ?? "") ?? 0) > this.processing)
          photo.state = "ready";
  }
}
