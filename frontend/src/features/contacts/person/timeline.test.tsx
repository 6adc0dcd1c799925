import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { makeEntry } from "@/testing/crm";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const timeline = () => screen.findByRole("list", { name: "Timeline" });
const ofNote = (page: ReturnType<typeof open>) =>
  page.app.crm.work.entries.find(({ id }) => id === "note-1") ?? expect.fail("The note is gone.");

async function menuOfNote(page: ReturnType<typeof open>, item: string) {
  await page.user.click(await screen.findByRole("button", { name: /^Actions for the note of/ }));
  await page.user.click(await screen.findByRole("menuitem", { name: item }));
  return screen.findByRole("dialog");
}

describe("the timeline of a contact", () => {
  it("tells notes, leads, stages and assignments in words, newest first", async () => {
    open("/contacts/contact-1");
    const items = within(await timeline())
      .getAllByRole("listitem")
      .map(({ textContent }) => textContent);
    expect(items[0]).toContain("NoteLikes gardens.Oct 30, 2026, 10:00 AM CDT · Arthur Agent");
    expect(items[1]).toContain("General Inquiry, ManualGiven with it: Carla C.");
    expect(items[2]).toContain("Moved from Nurture to Lead");
    expect(items[3]).toContain("Arthur Agent looks after them, as the listing’s agent");
  });

  it("is narrowed to kinds, which the address keeps", async () => {
    const page = open("/contacts/contact-1");
    await timeline();
    await page.user.click(screen.getByRole("checkbox", { name: "Notes" }));
    await page.user.click(screen.getByRole("checkbox", { name: "Stages" }));
    await waitFor(() => expect(page.address()).toBe("/contacts/contact-1?kind=note&kind=stage_change"));
    await waitFor(async () => expect(within(await timeline()).getAllByRole("listitem")).toHaveLength(2));
    await page.user.click(screen.getByRole("checkbox", { name: "Notes" }));
    await page.user.click(screen.getByRole("checkbox", { name: "Stages" }));
    await page.user.click(screen.getByRole("checkbox", { name: "Activities" }));
    expect(await screen.findByText("Nothing of this kind yet.")).toBeVisible();
  });

  it("shows what was earlier, page after page", async () => {
    const app = as("user-1");
    for (let index = 0; index < 40; index += 1)
      app.crm.work.entries.push(makeEntry({ id: `old-${index}`, text: `Old ${index}` }));
    const page = open("/contacts/contact-1", app);
    await page.user.click(await screen.findByRole("button", { name: "Show earlier" }));
    await waitFor(async () => expect(within(await timeline()).getAllByRole("listitem")).toHaveLength(44));
  });

  it("takes a note once, also when its answer is lost and it is sent again", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Add note" }));
    const dialog = await screen.findByRole("dialog", { name: "New note" });
    await page.user.type(within(dialog).getByLabelText("Note"), "Lost on the way");
    page.app.losesAnswers = true;
    await page.user.click(within(dialog).getByRole("button", { name: "Add note" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The server could not be reached.");
    page.app.losesAnswers = false;
    await page.user.click(within(dialog).getByRole("button", { name: "Add note" }));
    await waitFor(() => expect(dialog).not.toBeVisible());
    const written = () => page.app.crm.work.entries.filter(({ text }) => text === "Lost on the way");
    expect(written()).toHaveLength(1);
    await page.user.click(await screen.findByRole("button", { name: "Add note" }));
    const another = await screen.findByRole("dialog", { name: "New note" });
    await page.user.type(within(another).getByLabelText("Note"), "Lost on the way");
    await page.user.click(within(another).getByRole("button", { name: "Add note" }));
    await waitFor(() => expect(written()).toHaveLength(2));
  });

  it("takes a note", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Add note" }));
    const dialog = await screen.findByRole("dialog", { name: "New note" });
    expect(within(dialog).getByLabelText("Note")).toHaveFocus();
    await page.user.type(within(dialog).getByLabelText("Note"), "Wants a porch.");
    await page.user.click(within(dialog).getByRole("button", { name: "Add note" }));
    expect(await screen.findByText("Note added.")).toBeVisible();
    expect(await screen.findByText("Wants a porch.")).toBeVisible();
  });

  it("lets its author change a note, also when it was changed meanwhile", async () => {
    const page = open("/contacts/contact-1", as("user-3"));
    const dialog = await menuOfNote(page, "Edit note");
    await page.user.type(within(dialog).getByLabelText("Note"), " And roses.");
    Object.assign(ofNote(page), { text: "Likes parks.", version: 5 });
    window.dispatchEvent(new Event("visibilitychange"));
    expect(await within(await timeline()).findByText("Likes parks.")).toBeInTheDocument();
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("What you typed is still here");
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Likes gardens. And roses.")).toBeVisible();
  });

  it("keeps what its author types when somebody deletes the note meanwhile", async () => {
    const page = open("/contacts/contact-1", as("user-3"));
    const dialog = await menuOfNote(page, "Edit note");
    await page.user.type(within(dialog).getByLabelText("Note"), " And roses.");
    page.app.crm.work.entries = page.app.crm.work.entries.filter(({ id }) => id !== "note-1");
    window.dispatchEvent(new Event("visibilitychange"));
    await waitFor(() => expect(screen.queryByText("Likes gardens.", { selector: "p" })).toBeNull());
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByRole("alert")).toBeVisible();
    expect(within(dialog).getByLabelText("Note")).toHaveValue("Likes gardens. And roses.");
  });

  it("lets an owner delete a note of another after a question, but not change it", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: /^Actions for the note of/ }));
    expect(screen.queryByRole("menuitem", { name: "Edit note" })).toBeNull();
    await page.user.keyboard("{Escape}");
    const dialog = await menuOfNote(page, "Delete note");
    await page.user.click(within(dialog).getByRole("button", { name: "Delete note" }));
    expect(await screen.findByText("Note deleted.")).toHaveFocus();
    expect(screen.queryByText("Likes gardens.")).toBeNull();
  });

  it("takes an activity, which answers the leads before it", async () => {
    const page = open("/contacts/contact-1");
    expect(await screen.findByText("1 open lead")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Log activity" }));
    const dialog = await screen.findByRole("dialog", { name: "Log activity" });
    expect(dialog).toHaveTextContent("It answers the leads that came before it.");
    await page.user.type(within(dialog).getByLabelText("Outcome"), "Will come on Sunday");
    await page.user.click(within(dialog).getByRole("button", { name: "Log" }));
    expect(await screen.findByText("Call, to them")).toBeVisible();
    await waitFor(() => expect(screen.queryByText("1 open lead")).toBeNull());
  });

  it("has no direction for a viewing, and refuses what is yet to happen", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: "Log activity" }));
    const dialog = await screen.findByRole("dialog");
    await page.user.selectOptions(within(dialog).getByLabelText("What"), "Viewing");
    expect(within(dialog).queryByLabelText("Who began")).toBeNull();
    await page.user.type(within(dialog).getByLabelText("When"), "2030-01-01T10:00");
    await page.user.click(within(dialog).getByRole("button", { name: "Log" }));
    await waitFor(() => expect(within(dialog).getByLabelText("When")).toHaveAccessibleDescription(/is a task/));
  });

  it("says what failed and tries again", async () => {
    const app = as("user-1");
    app.failures.set("/api/v1/people/contact-1/timeline", () => problem(503, "Away"));
    const page = open("/contacts/contact-1", app);
    expect(await screen.findByText("The timeline could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await timeline();
  });
});
