/** Made-up contacts, stages, leads, tasks and what happened, in the shape of the API. */
import type { Contact, Lead, Stage, Task, TimelineEntry } from "../shared/api/types";

const NAMES = ["Lead", "Hot Prospect", "Nurture", "Active Client", "Pending", "Closed"];

export const makeStages = (): Omit<Stage, "people">[] =>
  NAMES.map((name, position) => ({ id: `stage-${position}`, name, position, version: 1 }));

/** A contact as it is kept; names of stages and rights are made for each reader. */
export type KeptContact = Omit<Contact, "stage_name" | "open_leads" | "can_edit" | "can_assign" | "can_claim">;

export const makeContact = (change: Partial<KeptContact> = {}): KeptContact => ({
  id: "contact-1",
  name: "Carla Canary",
  emails: ["carla@mail.example"],
  phones: [{ value: "(515) 555-0101", e164: "+15155550101" }],
  stage_id: "stage-0",
  source: "Listing page",
  tags: ["Investor"],
  assigned_to: { id: "user-3", name: "Arthur Agent" },
  office_id: "office-north",
  last_activity_at: "2026-10-30T15:00:00Z",
  created_at: "2026-10-01T12:00:00Z",
  updated_at: "2026-10-30T15:00:00Z",
  version: 3,
  ...change,
});

const FIRST = ["Abel", "Bea", "Cleo", "Dario", "Enid", "Farid", "Greta", "Hanna"];
const LAST = ["Quill", "Rook", "Stone", "Thorne", "Underhill", "Vale", "Wick", "Yarrow"];

/** Sixty contacts besides the named ones, so that the list has more than one page. */
const makeMany = (): KeptContact[] =>
  Array.from({ length: 60 }, (_, index) =>
    makeContact({
      id: `many-${index}`,
      name: `${FIRST[index % FIRST.length]} ${LAST[Math.floor(index / FIRST.length) % LAST.length]}`,
      emails: [`many${index}@mail.example`],
      phones: [],
      tags: [],
      source: index % 2 === 0 ? "Website" : "Manual",
      stage_id: index % 3 === 0 ? "stage-2" : "stage-3",
      assigned_to: { id: "user-1", name: "Olivia Owner" },
      office_id: "office-downtown",
      last_activity_at: new Date(Date.UTC(2026, 8, 30, 12, 0) - index * 3_600_000).toISOString(),
    }),
  );

export const makeContacts = (): KeptContact[] => [
  makeContact(),
  makeContact({
    id: "contact-2",
    name: "Wanda Waiting",
    emails: ["wanda@mail.example"],
    phones: [],
    tags: [],
    assigned_to: null,
    last_activity_at: "2026-10-30T14:00:00Z",
  }),
  makeContact({
    id: "contact-3",
    name: "Henry Hot",
    emails: [],
    phones: [{ value: "515 99", e164: null }],
    stage_id: "stage-1",
    source: "Website",
    tags: [],
    last_activity_at: "2026-10-30T13:00:00Z",
  }),
  ...makeMany(),
];

/** A lead as it is kept; whose it is follows from its person. */
export type KeptLead = Omit<Lead, "person" | "assigned_to" | "can_claim" | "can_open"> & { person_id: string };

export const makeLead = (change: Partial<KeptLead> = {}): KeptLead => ({
  id: "lead-1",
  person_id: "contact-2",
  type: "Property Inquiry",
  source: "Listing page",
  name: "Wanda Waiting",
  email: "wanda@mail.example",
  phone: null,
  message: "May I see it on Sunday?",
  listing: { id: "home-1", listing_key: "AMES-10001", address: "1201 Oak Street, Ames" },
  utm: {},
  consent: true,
  captured_by: null,
  received_at: "2026-10-30T14:00:00Z",
  state: "new",
  responded_at: null,
  first_response_seconds: null,
  ...change,
});

export const makeLeads = (): KeptLead[] => [
  makeLead(),
  makeLead({
    id: "lead-2",
    person_id: "contact-1",
    name: "Carla Canary",
    email: null,
    phone: "(515) 555-0101",
    message: null,
    listing: null,
    type: "General Inquiry",
    state: "assigned",
    consent: false,
    captured_by: { id: "user-3", name: "Arthur Agent" },
    received_at: "2026-10-30T12:00:00Z",
  }),
  makeLead({
    id: "lead-3",
    person_id: "contact-3",
    name: "Henry Hot",
    state: "responded",
    received_at: "2026-10-29T12:00:00Z",
    responded_at: "2026-10-29T12:12:00Z",
    first_response_seconds: 720,
  }),
];

export const makeTask = (change: Partial<Task> = {}): Task => ({
  id: "task-1",
  person: { id: "contact-1", name: "Carla Canary" },
  title: "Send the brochure",
  due_at: "2026-10-31T15:00:00Z",
  time_zone: "America/New_York",
  assigned_to: { id: "user-3", name: "Arthur Agent" },
  created_at: "2026-10-30T12:00:00Z",
  done_at: null,
  version: 1,
  ...change,
});

/** What happened with somebody, as it is kept. */
export type KeptEntry = TimelineEntry & { person_id: string };

export const makeEntry = (change: Partial<KeptEntry> = {}): KeptEntry => ({
  id: "note-1",
  person_id: "contact-1",
  kind: "note",
  at: "2026-10-30T15:00:00Z",
  actor: { id: "user-3", name: "Arthur Agent" },
  ...change,
});

export const makeEntries = (): KeptEntry[] => [
  makeEntry({ text: "Likes gardens.", version: 2 }),
  makeEntry({
    id: "lead-2",
    kind: "lead",
    at: "2026-10-30T12:00:00Z",
    lead_type: "General Inquiry",
    lead_state: "assigned",
    source: "Manual",
    given_name: "Carla C.",
    given_phone: "(515) 555-0101",
  }),
  makeEntry({
    id: "change-1",
    kind: "stage_change",
    at: "2026-10-02T12:00:00Z",
    from_stage: "Nurture",
    to_stage: "Lead",
  }),
  makeEntry({
    id: "assignment-1",
    kind: "assignment",
    at: "2026-10-01T12:00:00Z",
    actor: null,
    reason: "listing_agent",
    to_user: { id: "user-3", name: "Arthur Agent" },
  }),
];
