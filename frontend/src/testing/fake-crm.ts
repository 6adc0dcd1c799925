/** Contacts and stages as the app keeps them, with its refusals. Mounted by the fake app. */
import type { Contact, ContactChange, ContactInput, Session, User } from "../shared/api/types";
import { forbidden, type Handler, json, missing, nothing, page, refuse, refuseFields, staleness } from "./answers.ts";
import { type KeptContact, makeContact, makeContacts, makeStages } from "./crm.ts";
import { FakeLeads } from "./fake-leads.ts";
import { FakeWork } from "./fake-work.ts";

const ANSWERING = ["broker_owner", "office_manager"];

export class FakeCrm {
  contacts = makeContacts();
  stages = makeStages();
  #orders = 1;
  #session: () => Session | undefined;
  users: () => User[];

  constructor(session: () => Session | undefined, users: () => User[]) {
    this.#session = session;
    this.users = users;
  }

  leads = new FakeLeads(this);
  work = new FakeWork(this);

  get self(): Session["user"] {
    return (this.#session() as Session).user;
  }

  isTheirs({ assigned_to, office_id }: KeptContact): boolean {
    const { id, role, office_id: own } = this.self;
    if (role === "broker_owner") return true;
    if (role === "office_manager") return assigned_to?.id === id || office_id === own;
    // A coordinator has what was delegated, which nothing is here.
    return role === "agent" && assigned_to?.id === id;
  }

  sees(contact: KeptContact): boolean {
    const { role, office_id: own } = this.self;
    return this.isTheirs(contact) || (role === "agent" && !contact.assigned_to && contact.office_id === own);
  }

  shown = (contact: KeptContact): Contact => ({
    ...contact,
    stage_name: this.stages.find(({ id }) => id === contact.stage_id)?.name ?? "",
    open_leads: this.leads.kept.filter((lead) => lead.person_id === contact.id && !lead.responded_at).length,
    can_edit: this.isTheirs(contact),
    can_assign: this.isTheirs(contact) && ANSWERING.includes(this.self.role),
    can_claim: contact.assigned_to === null,
  });

  /** For everything about one contact: who may not see them is told that there is none. */
  with(id: string | undefined, act: (contact: KeptContact) => Response | Promise<Response>, toChange = true) {
    const contact = this.contacts.find((each) => each.id === id);
    if (!contact || !this.sees(contact)) return missing();
    return toChange && !this.isTheirs(contact) ? forbidden() : act(contact);
  }

  touch(contact: KeptContact, change: Partial<KeptContact>): Contact {
    Object.assign(contact, change, { version: contact.version + 1 });
    return this.shown(contact);
  }

  claim(contact: KeptContact): Response | undefined {
    if (contact.assigned_to && contact.assigned_to.id !== this.self.id)
      return refuse(409, "lead-taken", "The lead is taken", "Somebody else looks after this person now.");
    if (!contact.assigned_to) this.touch(contact, { assigned_to: { id: this.self.id, name: this.self.name } });
    return undefined;
  }

  routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/people$/, (_request, url) => page(this.found(url).map(this.shown), url)],
    [/^POST \/api\/v1\/people$/, (request) => this.#create(request)],
    [/^GET \/api\/v1\/people\/board$/, (_request, url) => this.#board(url)],
    [
      /^GET \/api\/v1\/people\/([^/]+)$/,
      (_request, _url, [id]) => this.with(id, (each) => json(this.shown(each)), false),
    ],
    [/^PATCH \/api\/v1\/people\/([^/]+)$/, (request, _url, [id]) => this.with(id, (each) => this.#edit(request, each))],
    [
      /^POST \/api\/v1\/people\/([^/]+)\/stage-changes$/,
      (request, _url, [id]) => this.with(id, (each) => this.#move(request, each)),
    ],
    [
      /^POST \/api\/v1\/people\/([^/]+)\/assignments$/,
      (request, _url, [id]) => this.with(id, (each) => this.#assign(request, each)),
    ],
    [
      /^POST \/api\/v1\/people\/([^/]+)\/claim$/,
      (_request, _url, [id]) => this.with(id, (each) => this.claim(each) ?? json(this.shown(each)), false),
    ],
    [/^GET \/api\/v1\/stages$/, () => this.#allStages()],
    [/^POST \/api\/v1\/stages$/, (request) => this.#addStage(request)],
    [/^PUT \/api\/v1\/stages\/order$/, (request) => this.#order(request)],
    [/^PATCH \/api\/v1\/stages\/([^/]+)$/, (request, _url, [id]) => this.#renameStage(request, id)],
    [/^DELETE \/api\/v1\/stages\/([^/]+)$/, (request, url, [id]) => this.#removeStage(request, url, id)],
    ...this.leads.routes,
    ...this.work.routes,
  ];

  found({ searchParams }: URL): KeptContact[] {
    const wanted = Object.fromEntries(searchParams);
    const words = wanted.q?.toLowerCase() ?? "";
    const fits = { me: this.self.id, nobody: undefined }[wanted.assigned_to ?? ""] ?? wanted.assigned_to;
    const found = this.contacts.filter(
      (each) =>
        this.sees(each) &&
        [each.name, ...each.emails, ...each.phones.map(({ value }) => value)].join(" ").toLowerCase().includes(words) &&
        (!wanted.stage_id || each.stage_id === wanted.stage_id) &&
        (!wanted.source || each.source === wanted.source) &&
        (!wanted.tag || each.tags.includes(wanted.tag)) &&
        (!fits ||
          (fits === "nobody" ? each.assigned_to === null : fits === "somebody" || each.assigned_to?.id === fits)),
    );
    const sort = wanted.sort ?? "-last_activity_at";
    const key = sort.replace("-", "") as "name" | "last_activity_at" | "created_at";
    const turn = sort.startsWith("-") ? -1 : 1;
    return found.toSorted((one, other) => turn * one[key].localeCompare(other[key]));
  }

  #board(url: URL): Response {
    const found = this.found(url);
    const columns = this.stages.map(({ id, name }) => {
      const items = found.filter(({ stage_id }) => stage_id === id);
      const limit = Number(url.searchParams.get("limit") ?? 20);
      return { stage_id: id, stage_name: name, total: items.length, items: items.slice(0, limit).map(this.shown) };
    });
    return json({ columns });
  }

  async #create(request: Request): Promise<Response> {
    const { even_if_known, ...given } = (await request.json()) as ContactInput;
    const known = this.contacts.find(({ emails }) => emails.some((email) => given.emails?.includes(email)));
    if (known && !even_if_known) {
      const answer = refuse(409, "person-known", "Somebody has this address or number");
      return Response.json({ ...(await answer.json()), person_id: known.id }, answer);
    }
    const contact = makeContact({
      id: `contact-${this.contacts.length + 1}`,
      name: given.name,
      emails: given.emails ?? [],
      phones: (given.phones ?? []).map((value) => ({ value, e164: null })),
      stage_id: given.stage_id ?? this.stages[0]?.id ?? "",
      source: given.source,
      tags: [],
      assigned_to: { id: this.self.id, name: this.self.name },
      version: 1,
    });
    this.contacts.unshift(contact);
    return json(this.shown(contact), 201);
  }

  async #edit(request: Request, contact: KeptContact): Promise<Response> {
    const stale = staleness(request, contact.version);
    if (stale) return stale;
    const { phones, ...change } = (await request.json()) as ContactChange;
    const bad = change.emails?.findIndex((email) => !email.includes("@")) ?? -1;
    if (bad >= 0) return refuseFields([{ pointer: `/emails/${bad}`, detail: "must be one plain mail address" }]);
    const numbers = phones && { phones: phones.map((value) => ({ value, e164: null })) };
    return json(this.touch(contact, { ...change, ...numbers } as Partial<KeptContact>));
  }

  async #move(request: Request, contact: KeptContact): Promise<Response> {
    const stale = staleness(request, contact.version);
    if (stale) return stale;
    return json(this.touch(contact, { stage_id: ((await request.json()) as { stage_id: string }).stage_id }));
  }

  async #assign(request: Request, contact: KeptContact): Promise<Response> {
    const stale = staleness(request, contact.version);
    if (stale) return stale;
    const { assigned_to: id } = (await request.json()) as { assigned_to: string | null };
    const user = this.users().find((each) => each.id === id);
    if (id && user?.state !== "active")
      return refuseFields([{ pointer: "/assigned_to", detail: "There is no such person, or they have left." }]);
    return json(this.touch(contact, { assigned_to: user ? { id: user.id, name: user.name } : null }));
  }

  #people = (id: string) => this.contacts.filter(({ stage_id }) => stage_id === id).length;

  #allStages(): Response {
    const items = this.stages.map((stage) => ({ ...stage, people: this.#people(stage.id) }));
    return json({ items, version: this.#orders });
  }

  async #addStage(request: Request): Promise<Response> {
    const { name } = (await request.json()) as { name: string };
    if (this.stages.some((stage) => stage.name === name))
      return refuse(409, "stage-name-taken", "Another stage has this name");
    const stage = { id: `stage-${this.stages.length}`, name, position: this.stages.length, version: 1 };
    this.stages.push(stage);
    return json({ ...stage, people: 0 }, 201);
  }

  async #order(request: Request): Promise<Response> {
    const stale = staleness(request, this.#orders);
    if (stale) return stale;
    this.#orders += 1;
    const { stage_ids: ids } = (await request.json()) as { stage_ids: string[] };
    this.stages = this.stages.toSorted((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
    return this.#allStages();
  }

  async #renameStage(request: Request, id: string | undefined): Promise<Response> {
    const stage = this.stages.find((each) => each.id === id);
    if (!stage) return missing();
    const stale = staleness(request, stage.version);
    if (stale) return stale;
    Object.assign(stage, await request.json(), { version: stage.version + 1 });
    return json({ ...stage, people: this.#people(stage.id) });
  }

  async #removeStage(request: Request, url: URL, id = ""): Promise<Response> {
    const stage = this.stages.find((each) => each.id === id);
    if (!stage) return missing();
    const stale = staleness(request, stage.version);
    if (stale) return stale;
    const [people, target] = [this.#people(id), url.searchParams.get("move_to")];
    if (people > 0 && !target) {
      const answer = refuse(409, "stage-in-use", "People are in this stage");
      return Response.json({ ...(await answer.json()), people }, answer);
    }
    for (const contact of this.contacts) if (contact.stage_id === id && target) contact.stage_id = target;
    this.stages = this.stages.filter((each) => each !== stage);
    return nothing();
  }
}
