import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { toInstant } from "@/shared/lib/zone-time";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

/** 23:59 of 31 January where the brokerage is. */
const END = toInstant("2027-01-31T23:59", "America/Chicago");

afterEach(() => {
  vi.useRealTimers();
});

const sessions = () => screen.findByRole("region", { name: "Sessions" });

describe("the own account", () => {
  it("is reached from the account menu by everyone and shows role, office and teams", async () => {
    const page = open("/listings", as("user-3"));
    await page.user.click(await screen.findByRole("button", { name: "Account of Arthur Agent" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Your account" }));
    const about = await screen.findByRole("region", { name: "About you" });
    await waitFor(() => expect(about).toHaveTextContent("RoleAgentOfficeNorth AmesTeamsLakes"));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: "Your account" })).toHaveFocus());
  });

  it("changes the own name, everywhere", async () => {
    const page = open("/account", as("user-3"));
    const name = await screen.findByLabelText("Name");
    await page.user.type(name, " Junior");
    await page.user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved.")).toBeVisible();
    expect(await screen.findByRole("button", { name: "Account of Arthur Agent Junior" })).toBeVisible();
    expect(page.app.people.users.find(({ id }) => id === "user-3")).toMatchObject({ name: "Arthur Agent Junior" });
  });

  it("keeps a name that was refused, with the reason at the field", async () => {
    const page = open("/account");
    await page.user.type(await screen.findByLabelText("Name"), "!");
    page.app.failures.set("/api/v1/users/user-1", () =>
      problem(422, "The request has errors", { errors: [{ pointer: "/name", detail: "Letters only." }] }),
    );
    await page.user.click(screen.getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.getByLabelText("Name")).toHaveAccessibleDescription("Letters only."));
    expect(screen.getByLabelText("Name")).toHaveValue("Olivia Owner!");
    expect(screen.getByLabelText("Name")).toHaveFocus();
  });

  it("keeps a name that met a newer version and saves it by decision", async () => {
    const page = open("/account");
    await page.user.type(await screen.findByLabelText("Name"), " II");
    const self = page.app.people.users[0];
    if (self) self.version = 7;
    await page.user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("What you typed is still here");
    await page.user.click(screen.getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Saved.")).toBeVisible();
    expect(self).toMatchObject({ name: "Olivia Owner II", version: 8 });
  });
});

describe("the own work", () => {
  const helped = (id: string) => {
    const app = new FakeApp();
    Object.assign(app.people.users.find((user) => user.id === "user-4") ?? {}, {
      name: "Cora Coordinator",
      role: "coordinator",
      state: "active",
      office_id: "office-north",
    });
    app.signIn(id);
    return app;
  };
  const work = () => screen.findByRole("region", { name: "Delegated work" });

  it("is delegated to a coordinator until the end of a day of the brokerage, and taken back", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-10-30T15:20:00Z") });
    const page = open("/account", helped("user-3"));
    await page.user.click(within(await work()).getByRole("button", { name: "Delegate" }));
    const dialog = await screen.findByRole("dialog", { name: "Delegate work of Arthur Agent" });
    await within(dialog).findByRole("option", { name: "Cora Coordinator" });
    await page.user.selectOptions(within(dialog).getByLabelText("To"), "Cora Coordinator");
    await page.user.click(within(dialog).getByLabelText("Listings"));
    fireEvent.change(within(dialog).getByLabelText("Until the end of"), { target: { value: "2027-01-31" } });
    await page.user.click(within(dialog).getByRole("button", { name: "Delegate" }));
    const section = await work();
    expect(await within(section).findByText("Cora Coordinator can work on this from now on.")).toBeVisible();
    expect(page.app.people.delegations.all).toMatchObject([
      { assistant: { id: "user-4" }, user: { id: "user-3" }, resources: ["person"], expires_at: END },
    ]);
    await page.user.click(within(section).getByRole("button", { name: /^End: Contacts of Arthur Agent/ }));
    await page.user.click(await screen.findByRole("button", { name: "End delegation" }));
    expect(await within(section).findByText("The delegation has ended.")).toHaveFocus();
    expect(page.app.people.delegations.all).toEqual([]);
  });

  it("stays in the dialog when the app refuses it", async () => {
    const page = open("/account", helped("user-3"));
    await page.user.click(within(await work()).getByRole("button", { name: "Delegate" }));
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByRole("option", { name: "Cora Coordinator" });
    await page.user.selectOptions(within(dialog).getByLabelText("To"), "Cora Coordinator");
    Object.assign(page.app.people.users.find(({ id }) => id === "user-4") ?? {}, { role: "agent" });
    await page.user.click(within(dialog).getByRole("button", { name: "Delegate" }));
    const to = within(dialog).getByLabelText("To");
    await waitFor(() => expect(to).toHaveAccessibleDescription("This person is no coordinator."));
    expect(to).toHaveValue("user-4");
    expect(to).toHaveFocus();
  });

  it("shows a coordinator what they may work on, without a way to hand it on", async () => {
    const app = helped("user-4");
    const named = (id: string) => ({ id, name: app.people.users.find((user) => user.id === id)?.name ?? "" });
    app.people.delegations.all.push({
      id: "delegation-1",
      assistant: named("user-4"),
      user: named("user-3"),
      resources: ["listing"],
      granted_by: named("user-3"),
      created_at: "2026-10-01T12:00:00Z",
      expires_at: "2026-12-24T18:00:00Z",
      revoked_at: null,
      is_live: true,
    });
    open("/account", app);
    const section = await work();
    expect(section).toHaveTextContent("Listings of Arthur AgentTo Cora Coordinator, until");
    expect(within(section).queryByRole("button")).toBeNull();
  });
});

describe("the own sessions", () => {
  it("mark this browser, and one of the others is ended", async () => {
    const page = open("/account");
    const section = await sessions();
    const rows = await within(section).findAllByRole("listitem");
    expect(rows[0]).toHaveTextContent("Chrome on LinuxThis browserLast used Oct 30, 2026, 10:03 AM CDT");
    expect(within(rows[0] as HTMLElement).queryByRole("button")).toBeNull();
    await page.user.click(within(section).getByRole("button", { name: /^End ?the session in Safari on iPhone/ }));
    expect(await screen.findByText("The session in Safari on iPhone has ended.")).toHaveFocus();
    expect(within(section).getAllByRole("listitem")).toHaveLength(2);
  });

  it("end all but this one, after a question", async () => {
    const page = open("/account");
    const section = await sessions();
    await page.user.click(await within(section).findByRole("button", { name: "End all others" }));
    const dialog = await screen.findByRole("dialog", { name: "End all other sessions?" });
    await page.user.click(within(dialog).getByRole("button", { name: "End all others" }));
    expect(await screen.findByText("All other sessions have ended.")).toHaveFocus();
    expect(within(section).getAllByRole("listitem")).toHaveLength(1);
    expect(within(section).queryByRole("button", { name: "End all others" })).toBeNull();
    expect(page.app.people.sessions.get("user-1")).toMatchObject([{ is_current: true }]);
  });

  it("stay in the list when ending fails, and it says so", async () => {
    const page = open("/account");
    const section = await sessions();
    page.app.failures.set("/api/v1/sessions/session-2", () => problem(503, "Away"));
    await page.user.click(await within(section).findByRole("button", { name: /Safari on iPhone/ }));
    expect(await within(section).findByText(/could not answer just now/)).toBeVisible();
    expect(within(section).getAllByRole("listitem")).toHaveLength(3);
  });
});
