import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { makeEntry, makeTask } from "@/testing/crm";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const kept = (app: FakeApp, id: string) => {
  const contact = app.crm.contacts.find((each) => each.id === id);
  if (!contact) throw new Error(`There is no ${id}.`);
  return contact;
};

const details = () => screen.findByRole("region", { name: "Details" });

describe("the page of a contact", () => {
  it("is opened from the list and leads back to the same search and the same link", async () => {
    const page = open("/contacts?q=carla");
    await page.user.click(await screen.findByRole("link", { name: "Carla Canary" }));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: "Carla Canary" })).toHaveFocus());
    await page.user.click(screen.getByRole("link", { name: "Back to contacts" }));
    expect(page.address()).toBe("/contacts?q=carla");
    await waitFor(() => expect(screen.getByRole("link", { name: "Carla Canary" })).toHaveFocus());
  });

  it("tells how to reach somebody, with links where a number can be called", async () => {
    open("/contacts/contact-1");
    const section = await details();
    expect(within(section).getByRole("link", { name: "carla@mail.example" })).toHaveAttribute(
      "href",
      "mailto:carla@mail.example",
    );
    expect(within(section).getByRole("link", { name: "(515) 555-0101" })).toHaveAttribute("href", "tel:+15155550101");
    expect(within(section).getByRole("link", { name: "Investor" })).toHaveAttribute("href", "/contacts?tag=Investor");
  });

  it("moves the contact to another stage by the menu", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Stage: Lead" }));
    await page.user.click(await screen.findByRole("menuitemradio", { name: "Nurture" }));
    expect(await screen.findByText("Carla Canary is in Nurture now.")).toBeVisible();
    expect(kept(page.app, "contact-1").stage_id).toBe("stage-2");
  });

  it("says that somebody else was quicker with the stage, and shows the newest state", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Stage: Lead" }));
    Object.assign(kept(page.app, "contact-1"), { version: 9, stage_id: "stage-4" });
    await page.user.click(await screen.findByRole("menuitemradio", { name: "Nurture" }));
    expect(await screen.findByText(/changed this contact meanwhile/)).toBeVisible();
    expect(await screen.findByRole("button", { name: "Stage: Pending" })).toBeVisible();
  });

  it("is assigned to a colleague, with why, or to nobody", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Assign…" }));
    const dialog = await screen.findByRole("dialog", { name: "Assign Carla Canary" });
    await page.user.selectOptions(within(dialog).getByLabelText("Who looks after them"), "Mona Manager");
    await page.user.type(within(dialog).getByLabelText("Why"), "Knows the family");
    await page.user.click(within(dialog).getByRole("button", { name: "Assign" }));
    expect(await screen.findByText("Mona Manager looks after Carla Canary now.")).toBeVisible();
    expect(await screen.findByText("Looked after by Mona Manager")).toBeVisible();
    expect(kept(page.app, "contact-1").assigned_to?.id).toBe("user-2");
  });

  it("asks again when somebody else assigned it meanwhile", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Assign…" }));
    const dialog = await screen.findByRole("dialog", { name: "Assign Carla Canary" });
    await page.user.selectOptions(within(dialog).getByLabelText("Who looks after them"), "Mona Manager");
    Object.assign(kept(page.app, "contact-1"), { version: 9 });
    await page.user.click(within(dialog).getByRole("button", { name: "Assign" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("Someone else changed this meanwhile.");
    expect(within(dialog).getByLabelText("Who looks after them")).toHaveDisplayValue("Mona Manager");
    await page.user.click(within(dialog).getByRole("button", { name: "Assign" }));
    expect(await screen.findByText("Looked after by Mona Manager")).toBeVisible();
  });

  it("offers a manager the colleagues of the own office only", async () => {
    const page = open("/contacts/contact-1", as("user-2"));
    await page.user.click(await screen.findByRole("button", { name: "Assign…" }));
    const field = within(await screen.findByRole("dialog")).getByLabelText("Who looks after them");
    await waitFor(() => expect(within(field).getAllByRole("option").length).toBeGreaterThan(20));
    const names = within(field)
      .getAllByRole("option")
      .map(({ textContent }) => textContent);
    expect(names.slice(0, 2)).toEqual(["Nobody: they wait in their office", "Mona Manager (you)"]);
    expect(names).not.toContain("Olivia Owner");
  });

  it("is claimed by an agent, who may then change everything", async () => {
    const page = open("/contacts/contact-2", as("user-3"));
    expect(await screen.findByText(/Claim them to add notes and tasks/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Add note" })).toBeNull();
    expect(screen.queryByRole("button", { name: /^Edit/ })).toBeNull();
    expect(screen.queryByRole("button", { name: "Assign…" })).toBeNull();
    await page.user.click(screen.getByRole("button", { name: "Claim" }));
    expect(await screen.findByText("You look after Wanda Waiting now.")).toHaveFocus();
    expect(await screen.findByRole("button", { name: "Add note" })).toBeVisible();
    expect(screen.queryByRole("button", { name: "Claim" })).toBeNull();
  });

  it("that somebody else claimed first says so", async () => {
    const page = open("/contacts/contact-2");
    await screen.findByRole("button", { name: "Claim" });
    kept(page.app, "contact-2").assigned_to = { id: "user-2", name: "Mona Manager" };
    await page.user.click(screen.getByRole("button", { name: "Claim" }));
    expect(await screen.findByText(/Somebody else was quicker/)).toBeVisible();
    expect(screen.queryByRole("button", { name: "Claim" })).toBeNull();
    expect(screen.getByRole("alert").parentElement).toHaveFocus();
    expect(await screen.findByText("Looked after by Mona Manager")).toBeVisible();
  });

  it("shows by itself what colleagues do, notes and tasks too", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    try {
      const { app } = open("/contacts/contact-1");
      await screen.findByText("Likes gardens.");
      app.crm.work.entries.unshift(makeEntry({ id: "note-2", text: "Has a dog." }));
      app.crm.work.tasks.push(makeTask({ id: "task-2", title: "Find a kennel" }));
      await vi.advanceTimersByTimeAsync(15_100);
      expect(await screen.findByText("Has a dog.")).toBeVisible();
      expect(await screen.findByText("Find a kennel")).toBeVisible();
    } finally {
      vi.useRealTimers();
    }
  });

  it("of a colleague is not there for an agent", async () => {
    open("/contacts/many-1", as("user-3"));
    expect(await screen.findByRole("heading", { name: "This contact is not here" })).toBeVisible();
  });

  it("says what failed and tries again", async () => {
    const app = as("user-1");
    app.failures.set("/api/v1/people/contact-1", () => problem(503, "Away"));
    const page = open("/contacts/contact-1", app);
    expect(await screen.findByText("This contact could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Carla Canary" })).toBeVisible();
  });
});

describe("the details of a contact", () => {
  const edit = async (page: ReturnType<typeof open>) => {
    await page.user.click(within(await details()).getByRole("button", { name: /^Edit/ }));
    return details();
  };

  it("are saved as far as they were touched, and the focus returns to the button", async () => {
    const page = open("/contacts/contact-1");
    const form = await edit(page);
    expect(within(form).getByLabelText("Name")).toHaveFocus();
    await page.user.type(within(form).getByLabelText("Email addresses"), "\n carla@work.example \n");
    kept(page.app, "contact-1").tags = ["Kept"];
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    expect(await within(form).findByText("Saved.")).toBeVisible();
    expect(within(form).getByRole("button", { name: /^Edit/ })).toHaveFocus();
    expect(kept(page.app, "contact-1")).toMatchObject({
      emails: ["carla@mail.example", "carla@work.example"],
      tags: ["Kept"],
      version: 4,
    });
  });

  it("mark an address that is none", async () => {
    const page = open("/contacts/contact-1");
    const form = await edit(page);
    await page.user.type(within(form).getByLabelText("Email addresses"), "\nnonsense");
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(within(form).getByLabelText("Email addresses")).toBeInvalid());
    expect(within(form).getByLabelText("Email addresses")).toHaveFocus();
    expect(within(form).getByLabelText("Email addresses")).toHaveAccessibleDescription(/one plain mail address/);
  });

  it("that somebody else changed meanwhile are shown beside one's own, which are not lost", async () => {
    const page = open("/contacts/contact-1");
    const form = await edit(page);
    await page.user.type(within(form).getByLabelText("Name"), "!");
    Object.assign(kept(page.app, "contact-1"), { name: "Carla Smith", source: "Referral", version: 8 });
    await page.user.click(within(form).getByRole("button", { name: "Save" }));
    const notice = await within(form).findByRole("alert");
    expect(notice).toHaveTextContent("Name: now “Carla Smith”; saving puts your value in its place.");
    expect(notice).toHaveTextContent("Source: now “Referral”.");
    expect(within(form).getByLabelText("Name")).toHaveValue("Carla Canary!");
    await page.user.click(within(form).getByRole("button", { name: "Save my changes" }));
    expect(await within(form).findByText("Saved.")).toBeVisible();
    expect(kept(page.app, "contact-1")).toMatchObject({ name: "Carla Canary!", source: "Referral", version: 9 });
  });

  it("that come in while one types are told before saving", async () => {
    const page = open("/contacts/contact-1");
    const form = await edit(page);
    await page.user.type(within(form).getByLabelText("Name"), "!");
    Object.assign(kept(page.app, "contact-1"), { source: "Referral", version: 8 });
    await page.user.click(screen.getByRole("button", { name: "Stage: Lead" }));
    await page.user.click(await screen.findByRole("menuitemradio", { name: "Nurture" }));
    expect(await within(form).findByText("Source: now “Referral”.")).toBeVisible();
    expect(within(form).getByLabelText("Name")).toHaveValue("Carla Canary!");
  });

  it("are as before after discarding", async () => {
    const page = open("/contacts/contact-1");
    const form = await edit(page);
    await page.user.type(within(form).getByLabelText("Name"), " Junior");
    await page.user.click(within(form).getByRole("button", { name: "Discard changes" }));
    expect(within(form).queryByLabelText("Name")).toBeNull();
    expect(kept(page.app, "contact-1").version).toBe(3);
  });
});
