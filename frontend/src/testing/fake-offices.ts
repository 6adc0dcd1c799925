/** Offices and teams as the app keeps them, with its refusals. Mounted by the fake of the people in them. */
import type { Office, OfficeInput, Team, User } from "../shared/api/types";
import { type Handler, json, missing, nothing, page, refuse, staleness } from "./answers.ts";
import { makeOffices, makeTeams } from "./people.ts";

export class FakeOffices {
  offices = makeOffices();
  teams = makeTeams();
  #users: () => User[];

  constructor(users: () => User[]) {
    this.#users = users;
  }

  #office = (office: (typeof this.offices)[number]): Office => ({
    ...office,
    user_count: this.#users().filter((user) => user.office_id === office.id && user.state === "active").length,
  });

  #team = (team: (typeof this.teams)[number]): Team => ({
    ...team,
    member_count: this.#users().filter((user) => user.team_ids.includes(team.id)).length,
  });

  routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/offices$/, (_request, url) => page(this.offices.map(this.#office), url)],
    [/^POST \/api\/v1\/offices$/, (request) => this.#createOffice(request)],
    [/^PATCH \/api\/v1\/offices\/([^/]+)$/, (request, _url, [id]) => this.#changeOffice(request, id)],
    [/^DELETE \/api\/v1\/offices\/([^/]+)$/, (request, _url, [id]) => this.#deleteOffice(request, id)],
    [/^GET \/api\/v1\/teams$/, (_request, url) => page(this.teams.map(this.#team), url)],
    [/^POST \/api\/v1\/teams$/, (request) => this.#createTeam(request)],
    [/^PATCH \/api\/v1\/teams\/([^/]+)$/, (request, _url, [id]) => this.#changeTeam(request, id)],
    [/^DELETE \/api\/v1\/teams\/([^/]+)$/, (request, _url, [id]) => this.#deleteTeam(request, id)],
  ];

  async #createOffice(request: Request): Promise<Response> {
    const given = (await request.json()) as OfficeInput;
    if (this.offices.some(({ name }) => name === given.name))
      return refuse(409, "name-taken", "Another office has this name");
    const office = { phone: null, address: null, ...given, id: `office-${this.offices.length + 1}`, version: 1 };
    this.offices.push(office);
    return json(this.#office(office), 201);
  }

  async #changeOffice(request: Request, id: string | undefined): Promise<Response> {
    const office = this.offices.find((each) => each.id === id);
    if (!office) return missing();
    const stale = staleness(request, office.version);
    if (stale) return stale;
    Object.assign(office, await request.json(), { version: office.version + 1 });
    return json(this.#office(office));
  }

  #deleteOffice(request: Request, id: string | undefined): Response {
    const office = this.offices.find((each) => each.id === id);
    if (!office) return missing();
    const stale = staleness(request, office.version);
    if (stale) return stale;
    if (this.#office(office).user_count > 0 || this.teams.some(({ office_id }) => office_id === id))
      return refuse(409, "office-in-use", "The office is in use", "Move its people and teams first.");
    this.offices = this.offices.filter((each) => each !== office);
    return nothing();
  }

  async #createTeam(request: Request): Promise<Response> {
    const given = (await request.json()) as Pick<Team, "name" | "office_id">;
    const team = { ...given, id: `team-${this.teams.length + 1}`, version: 1 };
    this.teams.push(team);
    return json(this.#team(team), 201);
  }

  async #changeTeam(request: Request, id: string | undefined): Promise<Response> {
    const team = this.teams.find((each) => each.id === id);
    if (!team) return missing();
    const stale = staleness(request, team.version);
    if (stale) return stale;
    Object.assign(team, await request.json(), { version: team.version + 1 });
    return json(this.#team(team));
  }

  #deleteTeam(request: Request, id: string | undefined): Response {
    const team = this.teams.find((each) => each.id === id);
    if (!team) return missing();
    const stale = staleness(request, team.version);
    if (stale) return stale;
    this.teams = this.teams.filter((each) => each !== team);
    for (const user of this.#users()) user.team_ids = user.team_ids.filter((each) => each !== id);
    return nothing();
  }
}
