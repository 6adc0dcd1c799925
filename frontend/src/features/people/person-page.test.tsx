import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const person = (app: FakeApp, id: string) => {
  const user = app.people.users.find((each) => each.id === id);
  if (!user) throw new Error(`There is no ${id}.`);
  return user;
};

const details = () => screen.findByRole("region", { name: "Details" });

describe("the page of a person", () => {
  it("is opened from the list and leads back to the same search and the same link", async () => {
    const page = open("/people?q=arthur");
    await page.user.click(await screen.findByRole("link", { name: "Arthur Agent" }));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: "Arthur Agent" })).toHaveFocus());
    await page.user.click(screen.getByRole("link", { name: "Back to people" }));
    expect(page.address()).toBe("/people?q=arthur");
    await waitFor(() => expect(screen.getByRole("link", { name: "Arthur Agent" })).toHaveFocus());
  });

  it("saves role, office and teams, and leaving an office leaves its teams", async () => {
    const page = open("/people/user-3");
    const form = await details();
    await waitFor(() => expect(within(form).getByLabelText("Office")).toHaveDisplayValue("North Ames"));
    expect(within(form).getByLabelText("Lakes")).toBeChecked();
    await page.user.selectOptions(within(form).getByLabelText("Role"), "Coordinator");
    await page.user.selectOptions(within(form).getByLabelText("Office"), "Downtown");
    expect(within(form).queryByLabelText("Lakes")).toBeNull();
    await page.user.click(within(form).getByLabelText("Lofts"));
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await within(form).findByText(/^Saved\./)).toBeVisible();
    expect(person(page.app, "user-3")).toMatchObject({
      name: "Arthur Agent",
      role: "coordinator",
      office_id: "office-downtown",
      team_ids: ["team-lofts"],
      version: 5,
    });
  });

  it("sends only what was touched, and nothing when nothing was", async () => {
    const page = open("/people/user-3");
    const form = await details();
    const save = within(form).getByRole("button", { name: "Save" });
    expect(save).toHaveAttribute("aria-disabled", "true");
    await page.user.click(save);
    await page.user.type(within(form).getByLabelText("Name"), " Junior");
    person(page.app, "user-3").office_id = "office-west";
    person(page.app, "user-3").team_ids = [];
    await page.user.click(save);
    expect(await within(form).findByText(/^Saved\./)).toBeVisible();
    expect(person(page.app, "user-3")).toMatchObject({ name: "Arthur Agent Junior", office_id: "office-west" });
    expect(page.app.log.filter((line) => line.startsWith("PATCH"))).toHaveLength(1);
  });

  it("shows what was delegated to whom and until when, and ends it", async () => {
    const app = as("user-1");
    const named = (id: string) => ({ id, name: person(app, id).name });
    app.people.delegations.all.push({
      id: "delegation-1",
      assistant: named("user-2"),
      user: named("user-3"),
      resources: ["listing", "person"],
      granted_by: named("user-3"),
      created_at: "2026-10-01T12:00:00Z",
      expires_at: "2026-12-24T18:00:00Z",
      revoked_at: null,
      is_live: true,
    });
    const page = open("/people/user-3", app);
    const section = await screen.findByRole("region", { name: "Delegated work" });
    expect(section).toHaveTextContent(`Listings and Contacts of Arthur AgentTo ${named("user-2").name}, until`);
    await page.user.click(within(section).getByRole("button", { name: /^End: Listings and Contacts/ }));
    await page.user.click(await screen.findByRole("button", { name: "End delegation" }));
    expect(await within(section).findByText("The delegation has ended.")).toBeVisible();
    expect(app.people.delegations.all).toEqual([]);
    expect(within(section).queryByRole("button", { name: /^End/ })).toBeNull();
  });

  it("delegates an agent's work for whoever manages them", async () => {
    const app = as("user-2");
    Object.assign(person(app, "user-4"), { role: "coordinator", state: "active", office_id: "office-north" });
    const page = open("/people/user-3", app);
    const section = await screen.findByRole("region", { name: "Delegated work" });
    await page.user.click(within(section).getByRole("button", { name: "Delegate" }));
    const dialog = await screen.findByRole("dialog", { name: "Delegate work of Arthur Agent" });
    await within(dialog).findByRole("option", { name: person(app, "user-4").name });
    await page.user.selectOptions(within(dialog).getByLabelText("To"), "user-4");
    await page.user.click(within(dialog).getByRole("button", { name: "Delegate" }));
    expect(await within(section).findByText(/can work on this from now on/)).toBeVisible();
    expect(app.people.delegations.all).toMatchObject([{ user: { id: "user-3" }, granted_by: { id: "user-2" } }]);
  });

  it("shows a refusal at its field and keeps the edit", async () => {
    const page = open("/people/user-3");
    const form = await details();
    const name = within(form).getByLabelText("Name");
    await page.user.clear(name);
    await page.user.type(name, " x");
    page.app.failures.set("/api/v1/users/user-3", () =>
      problem(422, "The request has errors", { errors: [{ pointer: "/name", detail: "Too short for a name." }] }),
    );
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(name).toHaveAccessibleDescription("Too short for a name."));
    expect(name).toHaveFocus();
    expect(name).toHaveValue(" x");
  });

  it("on a conflict brings in the other's values, keeps the own ones and saves them by decision", async () => {
    const page = open("/people/user-3");
    const form = await details();
    await page.user.selectOptions(within(form).getByLabelText("Role"), "Office manager");
    Object.assign(person(page.app, "user-3"), { role: "coordinator", name: "Arthur A. Agent", version: 5 });
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    const notice = await within(form).findByRole("alert");
    await waitFor(() => expect(notice).toHaveTextContent("Name is now “Arthur A. Agent”."));
    expect(notice).toHaveTextContent("Role is now “Coordinator”; saving puts your value in its place.");
    expect(within(form).getByLabelText("Name")).toHaveValue("Arthur A. Agent");
    expect(within(form).getByLabelText("Role")).toHaveDisplayValue("Office manager");
    await page.user.click(within(form).getByRole("button", { name: "Save my changes" }));
    expect(await within(form).findByText(/^Saved\./)).toBeVisible();
    expect(person(page.app, "user-3")).toMatchObject({ name: "Arthur A. Agent", role: "office_manager", version: 6 });
  });

  it("on a conflict lets the own edit go", async () => {
    const page = open("/people/user-3");
    const form = await details();
    await page.user.selectOptions(within(form).getByLabelText("Role"), "Office manager");
    Object.assign(person(page.app, "user-3"), { role: "coordinator", version: 5 });
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    await within(form).findByRole("alert");
    await page.user.click(within(form).getByRole("button", { name: "Discard changes" }));
    expect(within(form).getByLabelText("Role")).toHaveDisplayValue("Coordinator");
    expect(within(form).queryByRole("alert")).toBeNull();
  });

  it("does not let the last owner step down", async () => {
    const page = open("/people/user-1");
    const form = await details();
    await page.user.selectOptions(within(form).getByLabelText("Role"), "Agent");
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await within(form).findByRole("alert")).toHaveTextContent(
      "This is the last active owner. Make someone else an owner first.",
    );
    expect(within(form).getByLabelText("Role")).toHaveDisplayValue("Agent");
  });

  it("closes itself for an owner who stepped down while another stays", async () => {
    const app = new FakeApp({ signedIn: true });
    person(app, "user-2").role = "broker_owner";
    const page = open("/people/user-1", app);
    const form = await details();
    await page.user.selectOptions(within(form).getByLabelText("Role"), "Agent");
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
    expect(screen.queryByRole("link", { name: "People" })).toBeNull();
  });

  it("says that nobody is there, and what may be wrong", async () => {
    open("/people/unheard-of");
    expect(await screen.findByRole("heading", { name: "This person is not here" })).toBeVisible();
    expect(screen.getByRole("link", { name: "See all people" })).toBeVisible();
  });

  it("is for reading only where an office manager may not manage", async () => {
    open("/people/user-1", as("user-2"));
    expect(await details()).toHaveTextContent("An owner can change this person.");
    expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Deactivate" })).toBeNull();
  });

  it("lets an office manager manage the own office's agents", async () => {
    const page = open("/people/user-3", as("user-2"));
    const form = await details();
    await page.user.click(await within(form).findByLabelText("First homes"));
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await within(form).findByText(/^Saved\./)).toBeVisible();
    expect(person(page.app, "user-3").team_ids).toEqual(["team-lakes", "team-first"]);
  });
});

describe("access", () => {
  it("ends by deactivating, whose effect is said first, and comes back", async () => {
    const page = open("/people/user-3");
    await page.user.click(await screen.findByRole("button", { name: "Deactivate" }));
    const dialog = await screen.findByRole("dialog", { name: "Deactivate Arthur Agent?" });
    expect(dialog).toHaveTextContent("can no longer sign in, and all sessions end at once");
    await page.user.click(within(dialog).getByRole("button", { name: "Deactivate" }));
    expect(await screen.findByText("Arthur Agent is deactivated.")).toBeVisible();
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(await screen.findByText("Arthur Agent is signed in nowhere.")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Reactivate" }));
    expect(await screen.findByText("Arthur Agent can sign in again.")).toBeVisible();
    expect(person(page.app, "user-3").state).toBe("active");
  });

  it("of the last owner cannot end", async () => {
    const page = open("/people/user-1");
    await page.user.click(await screen.findByRole("button", { name: "Deactivate" }));
    const dialog = await screen.findByRole("dialog");
    await page.user.click(within(dialog).getByRole("button", { name: "Deactivate" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("This is the last active owner.");
  });

  it("is decided anew when someone else was quicker", async () => {
    const page = open("/people/user-3");
    await page.user.click(await screen.findByRole("button", { name: "Deactivate" }));
    person(page.app, "user-3").version = 9;
    const dialog = await screen.findByRole("dialog");
    await page.user.click(within(dialog).getByRole("button", { name: "Deactivate" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Someone else changed this person meanwhile.");
    await page.user.click(within(dialog).getByRole("button", { name: "Deactivate" }));
    expect(await screen.findByText("Arthur Agent is deactivated.")).toBeVisible();
  });
});

describe("the sessions of a person", () => {
  it("are shown and ended, after a question", async () => {
    const page = open("/people/user-3");
    const section = await screen.findByRole("region", { name: "Sessions" });
    expect(await within(section).findByText("Chrome on Linux")).toBeVisible();
    await page.user.click(within(section).getByRole("button", { name: "End all sessions" }));
    const dialog = await screen.findByRole("dialog", { name: "End all sessions of Arthur Agent?" });
    await page.user.click(within(dialog).getByRole("button", { name: "End all sessions" }));
    expect(await within(section).findByText("All sessions have ended.")).toBeVisible();
    expect(section).toHaveTextContent("Arthur Agent is signed in nowhere.");
    expect(page.app.people.sessions.get("user-3")).toBeUndefined();
  });
});
