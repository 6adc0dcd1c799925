/** Leads as the app keeps them: the inbox, claims, what colleagues write down, and the form of visitors. */
import type { InquiryInput, Lead, LeadInput } from "../shared/api/types";
import { type Handler, json, missing, page, refuse, refuseFields } from "./answers.ts";
import { type KeptContact, type KeptLead, makeContact, makeLead, makeLeads } from "./crm.ts";
import type { FakeCrm } from "./fake-crm.ts";

const WAIT_SECONDS = 540;

export class FakeLeads {
  kept: KeptLead[] = makeLeads();
  /** What visitors sent, also what was dropped. */
  inquiries: InquiryInput[] = [];
  isThrottled = false;
  /** Who gets what a colleague writes down, and where; not set: the writer. */
  reception: Pick<KeptContact, "assigned_to" | "office_id"> | undefined;
  #crm: FakeCrm;

  constructor(crm: FakeCrm) {
    this.#crm = crm;
  }

  #person = (id: string) => this.#crm.contacts.find((contact) => contact.id === id) ?? makeContact({ id });

  #shown = ({ person_id, ...lead }: KeptLead): Lead => {
    const person = this.#person(person_id);
    const { id, name, assigned_to } = person;
    return {
      ...lead,
      person: { id, name },
      assigned_to,
      can_claim: assigned_to === null,
      can_open: this.#crm.sees(person),
    };
  };

  #visible(): KeptLead[] {
    return this.kept.filter(({ person_id }) => this.#crm.sees(this.#person(person_id)));
  }

  routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/leads$/, (_request, url) => this.#list(url)],
    [/^POST \/api\/v1\/leads$/, (request) => this.#capture(request)],
    [/^GET \/api\/v1\/leads\/([^/]+)$/, (_request, _url, [id]) => this.#one(id)],
    [/^POST \/api\/v1\/leads\/([^/]+)\/claim$/, (_request, _url, [id]) => this.#claim(id)],
  ];

  /** Without signing in. */
  publicRoutes: [RegExp, Handler][] = [[/^POST \/api\/v1\/inquiries$/, (request) => this.#inquire(request)]];

  #list(url: URL): Response {
    const { owner = "all", state } = Object.fromEntries(url.searchParams);
    const found = this.#visible()
      .map(this.#shown)
      .filter(
        (lead) =>
          (!state || lead.state === state) &&
          (owner === "all" ||
            (owner === "mine" ? lead.assigned_to?.id === this.#crm.self.id : lead.assigned_to === null)),
      );
    return page(found, url);
  }

  #one(id: string | undefined): Response {
    const lead = this.#visible().find((each) => each.id === id);
    return lead ? json(this.#shown(lead)) : missing();
  }

  #claim(id: string | undefined): Response {
    const lead = this.kept.find((each) => each.id === id);
    if (!lead) return missing();
    const taken = this.#crm.claim(this.#person(lead.person_id));
    if (taken) return taken;
    if (lead.state === "new") lead.state = "assigned";
    return json(this.#shown(lead));
  }

  async #capture(request: Request): Promise<Response> {
    const given = (await request.json()) as LeadInput;
    if (!given.email && !given.phone)
      return refuseFields([{ pointer: "/email", detail: "Give a mail address or a phone number." }]);
    const person = makeContact({
      id: `contact-${this.#crm.contacts.length + 1}`,
      name: given.name ?? "",
      assigned_to: { id: this.#crm.self.id, name: this.#crm.self.name },
      ...this.reception,
    });
    this.#crm.contacts.unshift(person);
    const lead = makeLead({
      ...(given as Partial<KeptLead>),
      id: `lead-${this.kept.length + 1}`,
      person_id: person.id,
    });
    this.kept.unshift(lead);
    return json(this.#shown(lead), 201);
  }

  async #inquire(request: Request): Promise<Response> {
    if (this.isThrottled) {
      const answer = refuse(429, "too-many-requests", "Too many requests", "Too many requests; wait a little.");
      answer.headers.set("retry-after", String(WAIT_SECONDS));
      return answer;
    }
    const given = (await request.json()) as InquiryInput;
    if (given.property_id === "gone-home")
      return refuseFields([{ pointer: "/property_id", detail: "There is no such listing." }]);
    if (given.email && !given.email.includes("@"))
      return refuseFields([{ pointer: "/email", detail: "must be one plain mail address" }]);
    this.inquiries.push(given);
    return json({ received: true }, 202);
  }
}
