import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const office = (name: string) => screen.findByRole("region", { name });

const choose = async (page: ReturnType<typeof open>, actions: string, item: string) => {
  await page.user.click(await screen.findByRole("button", { name: `Actions for ${actions}` }));
  await page.user.click(await screen.findByRole("menuitem", { name: item }));
  return screen.findByRole("dialog");
};

describe("the offices page", () => {
  it("says that too much was asked for and goes on when it was told to", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const app = new FakeApp({ signedIn: true });
    const detail = "Too many requests; it goes on in 45 s.";
    app.failures.set("/api/v1/offices", () => problem(429, "Too many requests", { detail }, { "retry-after": "45" }));
    const page = open("/offices", app);
    expect(await screen.findByRole("alert")).toHaveTextContent(detail);
    const asked = () => page.app.log.filter((line) => line.startsWith("GET /api/v1/offices")).length;
    expect(asked()).toBe(1);
    app.failures.clear();
    await vi.advanceTimersByTimeAsync(44_000);
    expect(asked()).toBe(1);
    await vi.advanceTimersByTimeAsync(1_500);
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
    expect(asked()).toBeGreaterThan(1);
    vi.useRealTimers();
  });

  it("shows each office with its people and teams", async () => {
    open("/offices");
    const north = await office("North Ames");
    expect(within(north).getByRole("link", { name: /32 people/ })).toHaveAttribute(
      "href",
      "/people?office=office-north",
    );
    expect(north).toHaveTextContent("Lakes · 7 people");
    expect(await office("Downtown")).toHaveTextContent("210 Main Street, Ames, IA 50010(515) 555-0142");
    expect(await office("West Lake")).toHaveTextContent("No team yet.");
  });

  it("says what to do when there is none, and makes one", async () => {
    const app = new FakeApp({ signedIn: true });
    app.people.places.offices = [];
    const page = open("/offices", app);
    await page.user.click(await screen.findByRole("button", { name: "Make the first office" }));
    const dialog = await screen.findByRole("dialog", { name: "New office" });
    expect(within(dialog).getByLabelText("Name")).toHaveFocus();
    await page.user.type(within(dialog).getByLabelText("Name"), "Campus");
    await page.user.type(within(dialog).getByLabelText("Phone"), "(515) 555-0100");
    await page.user.click(within(dialog).getByRole("button", { name: "Make office" }));
    expect(await office("Campus")).toHaveTextContent("(515) 555-0100");
    expect(await screen.findByText("Campus is made. Add its people and teams now.")).toHaveFocus();
    expect(app.people.places.offices).toMatchObject([{ name: "Campus", phone: "(515) 555-0100", address: null }]);
  });

  it("marks a name that is taken and keeps what was typed", async () => {
    const page = open("/offices");
    await page.user.click(await screen.findByRole("button", { name: "New office" }));
    await page.user.type(await screen.findByLabelText("Name"), "Downtown");
    await page.user.click(screen.getByRole("button", { name: "Make office" }));
    await waitFor(() => expect(screen.getByLabelText("Name")).toHaveAccessibleDescription(/Another office has this/));
    expect(screen.getByLabelText("Name")).toHaveValue("Downtown");
    expect(screen.getByLabelText("Name")).toHaveFocus();
  });

  it("renames an office, also when someone else was quicker", async () => {
    const page = open("/offices");
    const dialog = await choose(page, "North Ames", "Edit office");
    const name = within(dialog).getByLabelText("Name");
    await page.user.clear(name);
    await page.user.type(name, "Northridge");
    const kept = page.app.people.places.offices.find(({ id }) => id === "office-north");
    Object.assign(kept ?? {}, { version: 9 });
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("What you typed is still here");
    expect(name).toHaveValue("Northridge");
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await office("Northridge")).toBeVisible();
    expect(kept).toMatchObject({ name: "Northridge", version: 10 });
  });

  it("explains why an office that is in use cannot go", async () => {
    const page = open("/offices");
    const dialog = await choose(page, "North Ames", "Delete office");
    await page.user.click(within(dialog).getByRole("button", { name: "Delete office" }));
    const refusal = await within(dialog).findByRole("alert");
    expect(refusal).toHaveTextContent("North Ames is in use.");
    expect(refusal).toHaveTextContent("32 people belong to it: move them to another office or deactivate them.");
    expect(refusal).toHaveTextContent("2 teams belong to it: delete them first.");
    await page.user.click(within(refusal).getByRole("link", { name: "Show them" }));
    await waitFor(() => expect(page.address()).toBe("/people?office=office-north"));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  });

  it("deletes an empty office", async () => {
    const page = open("/offices");
    const dialog = await choose(page, "West Lake", "Delete office");
    await page.user.click(within(dialog).getByRole("button", { name: "Delete office" }));
    expect(await screen.findByText("West Lake is deleted.")).toHaveFocus();
    expect(screen.queryByRole("region", { name: "West Lake" })).toBeNull();
  });

  it("makes, renames and deletes a team", async () => {
    const page = open("/offices");
    await page.user.click(await screen.findByRole("button", { name: /New team ?in West Lake/ }));
    await page.user.type(await screen.findByLabelText("Name"), "Farms");
    await page.user.click(screen.getByRole("button", { name: "Make team" }));
    const west = await office("West Lake");
    await waitFor(() => expect(west).toHaveTextContent("Farms · 0 people"));
    const rename = await choose(page, "team Farms", "Rename team");
    await page.user.type(within(rename).getByLabelText("Name"), " and land");
    await page.user.click(within(rename).getByRole("button", { name: "Rename" }));
    await waitFor(() => expect(west).toHaveTextContent("Farms and land · 0 people"));
    const ask = await choose(page, "team Lakes", "Delete team");
    expect(ask).toHaveTextContent("7 people stay in the office, without this team.");
    await page.user.click(within(ask).getByRole("button", { name: "Delete team" }));
    expect(await screen.findByText("Team Lakes is deleted.")).toBeVisible();
    expect(page.app.people.users.some(({ team_ids }) => team_ids.includes("team-lakes"))).toBe(false);
  });

  it("lets an office manager change the own office's teams and nothing else", async () => {
    const app = new FakeApp();
    app.signIn("user-2");
    open("/offices", app);
    await office("North Ames");
    expect(screen.getAllByRole("button", { name: /^New team/ })).toHaveLength(1);
    expect(screen.getByRole("button", { name: "Actions for team Lakes" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Actions for team Lofts" })).toBeNull();
    expect(screen.queryByRole("button", { name: "Actions for North Ames" })).toBeNull();
    expect(screen.queryByRole("button", { name: "New office" })).toBeNull();
  });

  it("is not for agents", async () => {
    const app = new FakeApp();
    app.signIn("user-3");
    open("/offices", app);
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
  });

  it("says what failed and tries again", async () => {
    const app = new FakeApp({ signedIn: true });
    app.failures.set("/api/v1/teams", () => problem(503, "Database down"));
    const page = open("/offices", app);
    expect(await screen.findByText("Offices could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await office("North Ames")).toBeVisible();
  });
});
