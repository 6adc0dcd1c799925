import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const names = () =>
  within(screen.getByRole("list", { name: "People" }))
    .getAllByRole("link")
    .map((link) => link.textContent);

const shows = (words: string) => waitFor(() => expect(screen.getByText(words)).toBeVisible());

describe("the list of people", () => {
  it("shows who is here with role, office and teams, and the rest on demand", async () => {
    const page = open("/people");
    await shows("63 people");
    const arthur = (await screen.findByRole("link", { name: "Arthur Agent" })).closest("li");
    await waitFor(() => expect(arthur).toHaveTextContent("arthur@acme.exampleAgent · North Ames · Lakes"));
    expect(screen.queryByRole("link", { name: "Gone Gordon" })).toBeNull();
    expect(names()).toHaveLength(50);
    await page.user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(names()).toHaveLength(63));
    const list = screen.getByRole("list", { name: "People" });
    expect(within(list).getAllByRole("link")[50]).toHaveFocus();
  });

  it("keeps search and filters in the address and takes them back from it", async () => {
    const page = open("/people?state=deactivated");
    expect(await screen.findByRole("link", { name: "Gone Gordon" })).toBeVisible();
    expect(screen.getByLabelText("State")).toHaveValue("deactivated");
    await page.user.selectOptions(screen.getByLabelText("State"), "Active");
    await page.user.selectOptions(await screen.findByLabelText("Office"), "North Ames");
    await page.user.selectOptions(screen.getByLabelText("Role"), "Agent");
    await page.user.type(screen.getByLabelText("Search people"), "art");
    await waitFor(() => expect(page.address()).toBe("/people?q=art&role=agent&office=office-north"));
    await shows("1 person");
    expect(names()).toEqual(["Arthur Agent"]);
    await page.router.navigate(-1);
    await waitFor(() => expect(screen.getByLabelText("Search people")).toHaveValue(""));
    await shows("31 people");
  });

  it("offers ways out when nobody matches", async () => {
    const page = open("/people?q=gordon");
    await page.user.click(await screen.findByRole("button", { name: "Include deactivated people" }));
    expect(await screen.findByRole("link", { name: "Gone Gordon" })).toBeVisible();
    expect(page.address()).toBe("/people?q=gordon&state=all");
  });

  it("says what failed and tries again", async () => {
    const app = new FakeApp({ signedIn: true });
    app.failures.set("/api/v1/users", () => problem(503, "Database down"));
    const page = open("/people", app);
    expect(await screen.findByText("People could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await shows("63 people");
  });

  it("is not for agents: a link to it leads to an explanation, and the menu does not name it", async () => {
    open("/people", as("user-3"));
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
    expect(screen.getByRole("link", { name: "Go to listings" })).toBeVisible();
    expect(screen.queryByRole("link", { name: "People" })).toBeNull();
    expect(screen.queryByRole("link", { name: "Offices" })).toBeNull();
    expect(screen.queryByRole("link", { name: "Feeds" })).toBeNull();
    expect(screen.getAllByRole("link", { name: "Contacts" })[0]).toBeVisible();
  });

  it("gives way to an explanation when the right is taken while it is open", async () => {
    const page = open("/people");
    await shows("63 people");
    const self = page.app.people.users[0];
    if (self) self.role = "agent";
    Object.assign(page.app.session ?? {}, page.app.people.enter("user-1"));
    await page.user.click(await screen.findByRole("button", { name: /^Send again ?to Nora/ }));
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
  });
});

describe("inviting", () => {
  it("sends a mail and shows the one-time link once, to copy", async () => {
    const page = open("/people");
    await page.user.click(await screen.findByRole("button", { name: "Invite" }));
    const dialog = await screen.findByRole("dialog", { name: "Invite a person" });
    expect(within(dialog).getByLabelText("Name")).toHaveFocus();
    await page.user.type(within(dialog).getByLabelText("Name"), "Ivy Invited");
    await page.user.type(within(dialog).getByLabelText("Email"), "ivy@new.example");
    await page.user.selectOptions(within(dialog).getByLabelText("Role"), "Office manager");
    await page.user.selectOptions(within(dialog).getByLabelText("Office"), "Downtown");
    await page.user.click(within(dialog).getByLabelText("Lofts"));
    await page.user.click(within(dialog).getByRole("button", { name: "Send invitation" }));
    const link = await within(dialog).findByLabelText("One-time link");
    expect(link).toHaveValue("https://acme.rooftree.localhost:8443/invite/one-time-1");
    expect(link).toHaveFocus();
    expect(dialog).toHaveTextContent("A mail with the link is on its way to ivy@new.example.");
    await page.user.click(within(dialog).getByRole("button", { name: "Copy link" }));
    expect(await within(dialog).findByText("Copied.")).toBeVisible();
    expect(await navigator.clipboard.readText()).toContain("/invite/one-time-1");
    await page.user.click(within(dialog).getByRole("button", { name: "Done" }));
    expect(await screen.findByRole("region", { name: "3 open invitations" })).toHaveTextContent(
      "ivy@new.example · Office manager · Downtown · Lofts",
    );
    expect(page.app.people.mails).toEqual(["ivy@new.example"]);
    expect(screen.queryByDisplayValue(/one-time-1/)).toBeNull();
  });

  it("marks the refused field, keeps what was typed, also when the dialog is closed by mistake", async () => {
    const page = open("/people");
    await page.user.click(await screen.findByRole("button", { name: "Invite" }));
    await page.user.type(screen.getByLabelText("Name"), "Arthur Again");
    await page.user.type(screen.getByLabelText("Email"), "arthur@acme.example");
    await page.user.click(screen.getByRole("button", { name: "Send invitation" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Please correct what is marked below.");
    expect(screen.getByLabelText("Email")).toHaveAccessibleDescription(
      "There is an account with this address already.",
    );
    expect(screen.getByLabelText("Email")).toHaveFocus();
    await page.user.click(screen.getByRole("button", { name: "Close" }));
    await page.user.click(screen.getByRole("button", { name: "Invite" }));
    expect(screen.getByLabelText("Name")).toHaveValue("Arthur Again");
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("loses nothing when the server fails", async () => {
    const page = open("/people");
    await page.user.click(await screen.findByRole("button", { name: "Invite" }));
    await page.user.type(screen.getByLabelText("Name"), "Ivy Invited");
    await page.user.type(screen.getByLabelText("Email"), "ivy@new.example");
    page.app.failures.set("/api/v1/user-invitations", () => problem(503, "Away"));
    await page.user.click(screen.getByRole("button", { name: "Send invitation" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Your work is not lost.");
    page.app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Send invitation" }));
    expect(await screen.findByLabelText("One-time link")).toBeVisible();
  });

  it("tells how to copy by hand where the browser forbids it", async () => {
    const page = open("/people");
    await page.user.click(await screen.findByRole("button", { name: /^Send again ?to Nora/ }));
    vi.spyOn(navigator.clipboard, "writeText").mockRejectedValue(new DOMException("no", "NotAllowedError"));
    await page.user.click(await screen.findByRole("button", { name: "Copy link" }));
    expect(await screen.findByText(/the link is marked, copy it by hand/)).toBeVisible();
  });

  it("lets an office manager invite agents and coordinators into the own office only", async () => {
    const page = open("/people", as("user-2"));
    await page.user.click(await screen.findByRole("button", { name: "Invite" }));
    const dialog = await screen.findByRole("dialog");
    const options = (label: string) =>
      within(within(dialog).getByLabelText(label))
        .getAllByRole("option")
        .map(({ textContent }) => textContent);
    expect(options("Role")).toEqual(["Agent", "Coordinator"]);
    await waitFor(() => expect(options("Office")).toEqual(["North Ames"]));
    expect(within(dialog).getByLabelText("Office")).toHaveValue("office-north");
  });
});

describe("open invitations", () => {
  it("are sent again with a new link", async () => {
    const page = open("/people");
    const section = await screen.findByRole("region", { name: "2 open invitations" });
    expect(section).toHaveTextContent("Late LarryExpired");
    await page.user.click(within(section).getByRole("button", { name: /^Send again ?to Late Larry/ }));
    const dialog = await screen.findByRole("dialog", { name: "Invitation sent again" });
    expect(within(dialog).getByLabelText("One-time link")).toHaveValue(
      "https://acme.rooftree.localhost:8443/invite/one-time-1",
    );
    await page.user.click(within(dialog).getByRole("button", { name: "Done" }));
    await waitFor(() => expect(section).not.toHaveTextContent("Late LarryExpired"));
  });

  it("are revoked after a question, and the focus goes to what was done", async () => {
    const page = open("/people");
    await page.user.click(await screen.findByRole("button", { name: /^Revoke ?the invitation of Nora/ }));
    const dialog = await screen.findByRole("dialog", { name: "Revoke the invitation of Nora Newcomer?" });
    expect(dialog).toHaveTextContent("The link that nora@new.example got stops working at once.");
    await page.user.click(within(dialog).getByRole("button", { name: "Revoke invitation" }));
    expect(await screen.findByText("The invitation of Nora Newcomer is revoked.")).toHaveFocus();
    expect(await screen.findByRole("region", { name: "1 open invitation" })).not.toHaveTextContent("Nora");
    expect(page.app.people.invitations.map(({ id }) => id)).toEqual(["invitation-2"]);
  });

  it("stay when revoking fails, with the reason in the question", async () => {
    const page = open("/people");
    page.app.failures.set("/api/v1/user-invitations/invitation-1", () => problem(503, "Away"));
    await page.user.click(await screen.findByRole("button", { name: /^Revoke ?the invitation of Nora/ }));
    await page.user.click(screen.getByRole("button", { name: "Revoke invitation" }));
    expect(await within(screen.getByRole("dialog")).findByRole("alert")).toHaveTextContent("could not answer");
    expect(screen.getByRole("region", { name: "2 open invitations" })).toHaveTextContent("Nora");
  });
});
