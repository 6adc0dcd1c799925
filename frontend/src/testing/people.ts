/** Made-up offices, teams, people, invitations and sessions, in the shape of the API. */
import type { BrowserSession, Office, Session, Team, User, UserInvitation } from "../shared/api/types";

const makeUser = (change: Partial<User> = {}): User => ({
  id: "user-1",
  name: "Olivia Owner",
  email: "owner@acme.example",
  role: "broker_owner",
  office_id: null,
  team_ids: [],
  state: "active",
  created_at: "2026-09-01T14:00:00Z",
  version: 1,
  ...change,
});

const FIRST = ["Ada", "Ben", "Cora", "Dev", "Elif", "Finn", "Gwen", "Hugo", "Ivo", "Jonas"];
const LAST = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir"];

/** Sixty agents besides the named people, so that the list has more than one page. */
const makeAgents = (): User[] =>
  Array.from({ length: 60 }, (_, index) => {
    const [first, last] = [FIRST[index % FIRST.length] ?? "", LAST[Math.floor(index / FIRST.length)] ?? ""];
    const office = index % 2 === 0 ? "office-north" : "office-downtown";
    return makeUser({
      id: `agent-${index}`,
      name: `${first} ${last}`,
      email: `${first}.${last}@acme.example`.toLowerCase(),
      role: "agent",
      office_id: office,
      team_ids: index % 5 === 0 ? [index % 2 === 0 ? "team-lakes" : "team-lofts"] : [],
    });
  });

export const makeUsers = (): User[] => [
  makeUser(),
  makeUser({
    id: "user-2",
    name: "Mona Manager",
    email: "mona@acme.example",
    role: "office_manager",
    office_id: "office-north",
  }),
  makeUser({
    id: "user-3",
    name: "Arthur Agent",
    email: "arthur@acme.example",
    role: "agent",
    office_id: "office-north",
    team_ids: ["team-lakes"],
    version: 4,
  }),
  makeUser({
    id: "user-4",
    name: "Gone Gordon",
    email: "gordon@acme.example",
    role: "agent",
    office_id: "office-downtown",
    state: "deactivated",
  }),
  ...makeAgents(),
];

export const makeOffices = (): Omit<Office, "user_count">[] => [
  {
    id: "office-downtown",
    name: "Downtown",
    phone: "(515) 555-0142",
    address: "210 Main Street, Ames, IA 50010",
    version: 1,
  },
  { id: "office-north", name: "North Ames", phone: null, address: null, version: 3 },
  { id: "office-west", name: "West Lake", phone: "(515) 555-0177", address: null, version: 1 },
];

export const makeTeams = (): Omit<Team, "member_count">[] => [
  { id: "team-lakes", name: "Lakes", office_id: "office-north", version: 1 },
  { id: "team-first", name: "First homes", office_id: "office-north", version: 1 },
  { id: "team-lofts", name: "Lofts", office_id: "office-downtown", version: 2 },
];

export const makeUserInvitation = (change: Partial<UserInvitation> = {}): UserInvitation => ({
  id: "invitation-1",
  email: "nora@new.example",
  name: "Nora Newcomer",
  role: "agent",
  office_id: "office-north",
  team_ids: [],
  state: "open",
  created_at: "2026-10-30T12:00:00Z",
  expires_at: "2026-11-02T12:00:00Z",
  invited_by: "Olivia Owner",
  ...change,
});

export const makeBrowserSession = (change: Partial<BrowserSession> = {}): BrowserSession => ({
  id: "session-1",
  created_at: "2026-10-30T13:00:00Z",
  used_at: "2026-10-30T15:03:00Z",
  expires_at: "2026-11-29T13:00:00Z",
  user_agent: "Chrome on Linux",
  is_current: true,
  ...change,
});

/** What the policy opens to each role. */
export const RIGHTS: Partial<Record<User["role"], Session["can"]>> = {
  broker_owner: [
    "users.manage",
    "offices.manage",
    "listings.create",
    "listings.edit_all",
    "feeds.manage",
    "leads.work",
    "people.create",
    "stages.manage",
    "stages.delete",
  ],
  office_manager: ["users.manage", "listings.create", "feeds.manage", "leads.work", "people.create", "stages.manage"],
  agent: ["listings.create", "leads.work", "people.create"],
  coordinator: ["leads.work"],
};
