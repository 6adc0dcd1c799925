import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const list = () => screen.findByRole("list", { name: "Contacts" });

describe("the list of contacts", () => {
  it("shows who they are, their stage, where they came from and who looks after them", async () => {
    open("/contacts");
    const row = within(await list())
      .getByRole("link", { name: "Carla Canary" })
      .closest("li");
    expect(row).toHaveTextContent("1 open lead");
    expect(row).toHaveTextContent("carla@mail.example · (515) 555-0101");
    expect(row).toHaveTextContent("LeadListing pageArthur Agent");
    expect(await screen.findByText("63 contacts")).toBeVisible();
    expect(
      within(await list())
        .getByRole("link", { name: "Wanda Waiting" })
        .closest("li"),
    ).toHaveTextContent("Nobody yet");
  });

  it("is narrowed by stage, who looks after them, source and text, all kept in the address", async () => {
    const page = open("/contacts");
    await list();
    await page.user.selectOptions(await screen.findByLabelText("Stage"), "Hot Prospect");
    expect(await screen.findByText("1 contact")).toBeVisible();
    await page.user.selectOptions(screen.getByLabelText("Source"), "Website");
    await page.user.selectOptions(screen.getByLabelText("Looked after by"), "Arthur Agent");
    await page.user.type(screen.getByLabelText("Search contacts"), "henry{Enter}");
    await waitFor(() => expect(page.address()).toBe("/contacts?q=henry&stage=stage-1&assignee=user-3&source=Website"));
    expect(within(await list()).getAllByRole("listitem")).toHaveLength(1);
  });

  it("is sorted as the address says and ignores what it does not understand there", async () => {
    const page = open("/contacts?sort=name&stage=%3Cscript%3E&assignee=nobody");
    expect(within(await list()).getByRole("link")).toHaveTextContent("Wanda Waiting");
    expect(page.app.log.some((line) => line.includes("sort=name") && !line.includes("stage_id"))).toBe(true);
    await page.user.selectOptions(screen.getByLabelText("Sort by"), "Oldest");
    await waitFor(() => expect(page.address()).toContain("sort=created_at"));
  });

  it("loads more and puts the focus on the first new one", async () => {
    const page = open("/contacts");
    await list();
    await page.user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(async () => expect(within(await list()).getAllByRole("listitem")).toHaveLength(63));
    expect(within(await list()).getAllByRole("link")[50]).toHaveFocus();
  });

  it("says that nobody matches and clears the filters", async () => {
    const page = open("/contacts?q=zzz");
    await page.user.click(await screen.findByRole("button", { name: "Clear search and filters" }));
    expect(page.address()).toBe("/contacts");
    await list();
  });

  it("shows those with a tag and lets go of it", async () => {
    const page = open("/contacts?tag=Investor");
    expect(within(await list()).getAllByRole("listitem")).toHaveLength(1);
    await page.user.click(screen.getByRole("button", { name: /Tag: Investor/ }));
    expect(page.address()).toBe("/contacts");
  });

  it("says what failed and tries again", async () => {
    const app = as("user-1");
    app.failures.set("/api/v1/people", () => problem(503, "Database down"));
    const page = open("/contacts", app);
    expect(await screen.findByText("Contacts could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await list();
  });

  it("shows an agent the own contacts and those who wait in the office", async () => {
    open("/contacts", as("user-3"));
    expect(
      within(await list())
        .getAllByRole("link")
        .map(({ textContent }) => textContent),
    ).toEqual(["Carla Canary", "Wanda Waiting", "Henry Hot"]);
  });

  it("tells a coordinator that colleagues delegate contacts, and offers no way to add one", async () => {
    const app = as("user-3");
    Object.assign(app.people.users.find(({ id }) => id === "user-3") ?? {}, { role: "coordinator" });
    app.signIn("user-3");
    open("/contacts", app);
    expect(await screen.findByText("Contacts of colleagues who delegate them to you appear here.")).toBeVisible();
    expect(screen.queryByRole("button", { name: /contact/ })).toBeNull();
  });

  it("is not for clients, who find no entry of it in the menu either", async () => {
    const app = as("user-3");
    Object.assign(app.people.users.find(({ id }) => id === "user-3") ?? {}, { role: "client" });
    app.signIn("user-3");
    open("/contacts", app);
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
    expect(screen.queryByRole("link", { name: "Contacts" })).toBeNull();
  });
});

describe("a new contact", () => {
  const fill = async (page: ReturnType<typeof open>, email: string) => {
    await page.user.click(await screen.findByRole("button", { name: "New contact" }));
    const dialog = await screen.findByRole("dialog", { name: "New contact" });
    expect(within(dialog).getByLabelText("Name")).toHaveFocus();
    await page.user.type(within(dialog).getByLabelText("Name"), "Nina New");
    await page.user.type(within(dialog).getByLabelText("Email"), email);
    await page.user.click(within(dialog).getByRole("button", { name: "Add contact" }));
    return dialog;
  };

  it("is added and opened", async () => {
    const page = open("/contacts");
    await fill(page, "nina@mail.example");
    expect(await screen.findByRole("heading", { level: 1, name: "Nina New" })).toBeVisible();
    expect(page.app.crm.contacts[0]).toMatchObject({ name: "Nina New", stage_id: "stage-0", source: "Manual" });
  });

  it("who is known already is shown, and added only when that is meant", async () => {
    const page = open("/contacts");
    const dialog = await fill(page, "carla@mail.example");
    const refusal = await within(dialog).findByRole("alert");
    expect(within(refusal).getByRole("link", { name: "Open that contact" })).toHaveAttribute(
      "href",
      "/contacts/contact-1",
    );
    await page.user.click(within(refusal).getByRole("button", { name: "Add another one anyway" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Nina New" })).toBeVisible();
  });
});
