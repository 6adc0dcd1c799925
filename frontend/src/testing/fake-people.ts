/** Users, invitations and sessions as the app keeps them, with its refusals. Mounted by the fake app. */
import type {
  BrowserSession,
  Session,
  User,
  UserChange,
  UserInvitation,
  UserInvitationInput,
} from "../shared/api/types";
import {
  type Errors,
  forbidden,
  type Handler,
  json,
  missing,
  nothing,
  page,
  refuse,
  refuseFields,
  staleness,
} from "./answers.ts";
import { FakeDelegations } from "./fake-delegations.ts";
import { FakeOffices } from "./fake-offices.ts";
import { makeBrowserSession, makeUserInvitation, makeUsers, RIGHTS } from "./people.ts";

const STAFF_OF_A_MANAGER = ["agent", "coordinator"];

export class FakePeople {
  users: User[] = makeUsers();
  places = new FakeOffices(() => this.users);
  invitations: UserInvitation[] = [
    makeUserInvitation(),
    makeUserInvitation({ id: "invitation-2", email: "late@new.example", name: "Late Larry", state: "expired" }),
  ];
  /** By user. */
  sessions = new Map<string, BrowserSession[]>([
    [
      "user-1",
      [
        makeBrowserSession(),
        makeBrowserSession({ id: "session-2", user_agent: "Safari on iPhone", is_current: false }),
        makeBrowserSession({ id: "session-3", user_agent: "Firefox on Windows", is_current: false }),
      ],
    ],
    ["user-3", [makeBrowserSession({ id: "session-4", is_current: false })]],
  ]);
  delegations = new FakeDelegations(
    () => this.users,
    () => this.#self,
  );
  /** Addresses to which a link was sent, in order. */
  mails: string[] = [];
  #session: () => Session | undefined;
  #links = 0;

  constructor(session: () => Session | undefined) {
    this.#session = session;
  }

  /** What a session says of its person. */
  enter(id: string): Pick<Session, "user" | "can"> {
    const { name, email, role, office_id, team_ids } = this.users.find((user) => user.id === id) as User;
    return { user: { id, name, email, role, office_id, team_ids }, can: RIGHTS[role] ?? [] };
  }

  get #self(): User {
    const id = this.#session()?.user.id;
    return this.users.find((user) => user.id === id) as User;
  }

  #manages(user: Pick<User, "role" | "office_id">): boolean {
    const self = this.#self;
    if (self.role === "broker_owner") return true;
    return (
      self.role === "office_manager" && user.office_id === self.office_id && STAFF_OF_A_MANAGER.includes(user.role)
    );
  }

  #sees(user: User): boolean {
    const isColleague = user.office_id === this.#self.office_id || user.role === "broker_owner";
    return (user.state === "active" && isColleague) || user === this.#self || this.#manages(user);
  }

  routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/users$/, (_request, url) => this.#list(url)],
    [/^GET \/api\/v1\/users\/([^/]+)$/, (_request, _url, [id]) => this.#withUser(id, json)],
    [
      /^PATCH \/api\/v1\/users\/([^/]+)$/,
      (request, _url, [id]) => this.#withUser(id, (user) => this.#change(request, user)),
    ],
    [
      /^GET \/api\/v1\/users\/([^/]+)\/sessions$/,
      (_request, _url, [id]) => this.#withManaged(id, (user) => json({ items: this.sessions.get(user.id) ?? [] })),
    ],
    [
      /^DELETE \/api\/v1\/users\/([^/]+)\/sessions$/,
      (_request, _url, [id]) =>
        this.#withManaged(id, (user) => {
          this.sessions.delete(user.id);
          return nothing();
        }),
    ],
    [/^GET \/api\/v1\/user-invitations$/, (_request, url) => page(this.invitations, url)],
    [/^POST \/api\/v1\/user-invitations$/, (request) => this.#invite(request)],
    [/^POST \/api\/v1\/user-invitations\/([^/]+)\/resend$/, (_request, _url, [id]) => this.#resend(id)],
    [/^DELETE \/api\/v1\/user-invitations\/([^/]+)$/, (_request, _url, [id]) => this.#revoke(id)],
    [/^GET \/api\/v1\/sessions$/, () => json({ items: this.sessions.get(this.#self.id) ?? [] })],
    [/^DELETE \/api\/v1\/sessions$/, () => this.#endSessions(({ is_current }) => is_current)],
    [/^DELETE \/api\/v1\/sessions\/([^/]+)$/, (_request, _url, [id]) => this.#endSessions((each) => each.id !== id)],
    ...this.places.routes,
    ...this.delegations.routes,
  ];

  #endSessions(stays: (session: BrowserSession) => boolean): Response {
    this.sessions.set(this.#self.id, (this.sessions.get(this.#self.id) ?? []).filter(stays));
    return nothing();
  }

  #withUser(id: string | undefined, act: (user: User) => Response | Promise<Response>) {
    const user = this.users.find((each) => each.id === id);
    return user && this.#sees(user) ? act(user) : missing();
  }

  #withManaged(id: string | undefined, act: (user: User) => Response | Promise<Response>) {
    return this.#withUser(id, (user) => (this.#manages(user) ? act(user) : forbidden()));
  }

  #list(url: URL): Response {
    const wanted = Object.fromEntries(url.searchParams);
    const words = wanted.q?.toLowerCase() ?? "";
    const found = this.users.filter(
      (user) =>
        this.#sees(user) &&
        `${user.name} ${user.email}`.toLowerCase().includes(words) &&
        (["role", "office_id", "state"] as const).every((name) => !wanted[name] || wanted[name] === user[name]),
    );
    return page(
      found.toSorted((one, other) => one.name.localeCompare(other.name)),
      url,
    );
  }

  async #change(request: Request, user: User): Promise<Response> {
    const change = (await request.json()) as UserChange;
    const isOwnName = user.id === this.#self.id && Object.keys(change).every((key) => key === "name");
    if (!isOwnName && !this.#manages(user)) return forbidden();
    const stale = staleness(request, user.version);
    if (stale) return stale;
    const next = { ...user, ...change } as User;
    const errors = this.#errorsOf(next);
    if (errors.length > 0) return refuseFields(errors);
    const owners = this.users.filter(({ role, state }) => role === "broker_owner" && state === "active");
    const stopsOwning = next.role !== "broker_owner" || next.state !== "active";
    if (stopsOwning && owners.length === 1 && owners[0] === user)
      return refuse(409, "last-owner", "A brokerage needs an owner", "Make somebody else an owner first.");
    Object.assign(user, change, { version: user.version + 1 });
    if (user.state === "deactivated") this.sessions.delete(user.id);
    const session = this.#session();
    if (session?.user.id === user.id) Object.assign(session, this.enter(user.id));
    return json(user);
  }

  #errorsOf({ name, role, office_id, team_ids }: Pick<User, "name" | "role" | "office_id" | "team_ids">): Errors {
    const errors: Errors = [];
    if (role === "office_manager" && !office_id)
      errors.push({ pointer: "/office_id", detail: "An office manager needs an office." });
    if (!name.trim()) errors.push({ pointer: "/name", detail: "A name is needed." });
    if (office_id && !this.places.offices.some(({ id }) => id === office_id))
      errors.push({ pointer: "/office_id", detail: "There is no such office." });
    for (const [index, id] of team_ids.entries())
      if (this.places.teams.find((team) => team.id === id)?.office_id !== office_id)
        errors.push({ pointer: `/team_ids/${index}`, detail: "This team belongs to another office." });
    return errors;
  }

  async #invite(request: Request): Promise<Response> {
    const given = { office_id: null, team_ids: [], ...((await request.json()) as UserInvitationInput) };
    if (!this.#manages(given)) return forbidden();
    const errors = this.#errorsOf(given);
    if (errors.length > 0) return refuseFields(errors);
    const hasAddress = ({ email }: { email: string }) => email === given.email.toLowerCase();
    if (this.users.some(hasAddress)) return refuse(409, "user-exists", "There is an account with this address already");
    if (this.invitations.some((each) => each.state === "open" && hasAddress(each)))
      return refuse(
        409,
        "invitation-exists",
        "This address is invited already",
        "Send that one again, or revoke it first.",
      );
    const invitation = makeUserInvitation({
      ...given,
      id: `invitation-${this.invitations.length + 1}`,
      invited_by: this.#self.name,
    });
    this.invitations = [invitation, ...this.invitations];
    return json(this.#sent(invitation), 201);
  }

  #sent(invitation: UserInvitation) {
    this.mails.push(invitation.email);
    this.#links += 1;
    return { ...invitation, link: `https://acme.rooftree.localhost:8443/invite/one-time-${this.#links}` };
  }

  #resend(id: string | undefined): Response {
    const invitation = this.invitations.find((each) => each.id === id);
    if (!invitation) return missing();
    if (!this.#manages(invitation)) return forbidden();
    if (invitation.state === "accepted") return refuse(410, "invitation-gone", "The invitation is over");
    Object.assign(invitation, { state: "open", expires_at: "2026-11-03T12:00:00Z" });
    return json(this.#sent(invitation));
  }

  #revoke(id: string | undefined): Response {
    const invitation = this.invitations.find((each) => each.id === id);
    if (!invitation) return missing();
    if (!this.#manages(invitation)) return forbidden();
    this.invitations = this.invitations.filter((each) => each !== invitation);
    return nothing();
  }
}
