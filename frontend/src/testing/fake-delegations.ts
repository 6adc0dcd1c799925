/** Leave for coordinators to work on somebody's records, as the app keeps it. Mounted by the fake people. */
import type { Delegation, DelegationInput, User } from "../shared/api/types";
import { forbidden, type Handler, json, nothing, page, refuseFields } from "./answers.ts";

export class FakeDelegations {
  all: Delegation[] = [];
  #users: () => User[];
  #self: () => User;

  constructor(users: () => User[], self: () => User) {
    this.#users = users;
    this.#self = self;
  }

  routes: [RegExp, Handler][] = [
    [
      /^GET \/api\/v1\/delegations$/,
      (_request, url) => {
        const of = url.searchParams.get("user_id");
        return page(
          this.all.filter(({ assistant, user }) => of === assistant.id || of === user.id),
          url,
        );
      },
    ],
    [/^POST \/api\/v1\/delegations$/, (request) => this.#create(request)],
    [
      /^DELETE \/api\/v1\/delegations\/([^/]+)$/,
      (_request, _url, [id]) => {
        this.all = this.all.filter((each) => each.id !== id);
        return nothing();
      },
    ],
  ];

  #named(id: string) {
    return { id, name: this.#users().find((user) => user.id === id)?.name ?? "" };
  }

  async #create(request: Request): Promise<Response> {
    const { assistant_id, user_id, resources, expires_at } = (await request.json()) as DelegationInput;
    const self = this.#self();
    const whose = user_id ?? self.id;
    if (whose !== self.id && self.role === "agent") return forbidden();
    if (this.#users().find(({ id }) => id === assistant_id)?.role !== "coordinator")
      return refuseFields([{ pointer: "/assistant_id", detail: "This person is no coordinator." }]);
    const made: Delegation = {
      id: `delegation-${this.all.length + 1}`,
      assistant: this.#named(assistant_id),
      user: this.#named(whose),
      resources,
      granted_by: this.#named(self.id),
      created_at: "2026-10-30T12:00:00Z",
      expires_at,
      revoked_at: null,
      is_live: true,
    };
    this.all = [made, ...this.all];
    return json(made, 201);
  }
}
