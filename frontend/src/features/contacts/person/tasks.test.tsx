import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { toInstant, toLocal } from "@/shared/lib/zone-time";
import { makeTask } from "@/testing/crm";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const section = () => screen.findByRole("region", { name: "Tasks" });

const kept = (page: ReturnType<typeof open>) => page.app.crm.work.tasks[0] ?? expect.fail("The task is gone.");

async function edit(page: ReturnType<typeof open>) {
  await page.user.click(await screen.findByRole("button", { name: "Edit task Send the brochure" }));
  return screen.findByRole("dialog", { name: "Edit task" });
}

/** Whoever comes back to a window has its lists read anew. */
const comeBack = () => window.dispatchEvent(new Event("visibilitychange"));

describe("the tasks of a contact", () => {
  it("are due in the zone in which they were meant", async () => {
    open("/contacts/contact-1");
    expect(await within(await section()).findByText(/Due Oct 31, 2026, 11:00 AM EDT · Arthur Agent/)).toBeVisible();
  });

  it("are added with a time in a zone and for somebody", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(within(await section()).getByRole("button", { name: "Add task" }));
    const dialog = await screen.findByRole("dialog", { name: "New task" });
    await page.user.type(within(dialog).getByLabelText("What is to be done"), "Call about the offer");
    await page.user.type(within(dialog).getByLabelText("Due"), "2026-12-01T09:30");
    expect(within(dialog).getByLabelText("Time zone")).toHaveDisplayValue("America/Chicago (the brokerage’s)");
    await page.user.selectOptions(within(dialog).getByLabelText("Who does it"), "Arthur Agent");
    await page.user.click(within(dialog).getByRole("button", { name: "Add task" }));
    expect(await screen.findByText("Task added: Call about the offer")).toBeVisible();
    expect(await within(await section()).findByText(/Due Dec 1, 2026, 9:30 AM CST/)).toBeVisible();
    expect(page.app.crm.work.tasks[1]).toMatchObject({
      due_at: "2026-12-01T15:30:00.000Z",
      time_zone: "America/Chicago",
      assigned_to: { id: "user-3" },
    });
  });

  it("are refused for somebody who cannot open the contact", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(within(await section()).getByRole("button", { name: "Add task" }));
    const dialog = await screen.findByRole("dialog");
    await page.user.type(within(dialog).getByLabelText("What is to be done"), "Anything");
    await page.user.selectOptions(within(dialog).getByLabelText("Who does it"), "agent-1");
    await page.user.click(within(dialog).getByRole("button", { name: "Add task" }));
    await waitFor(() =>
      expect(within(dialog).getByLabelText("Who does it")).toHaveAccessibleDescription(/does not look after the one/),
    );
  });

  it("are done, and then stand in the timeline", async () => {
    const page = open("/contacts/contact-1");
    await page.user.click(await screen.findByRole("button", { name: /^Done ?: Send the brochure/ }));
    expect(await screen.findByText("Done: Send the brochure")).toHaveFocus();
    expect(await within(await section()).findByText("Nothing is to be done.")).toBeVisible();
    expect(await screen.findByRole("heading", { level: 3, name: "Task done" })).toBeVisible();
  });

  it("of the same words are done one after the other, and each takes the focus to what is told", async () => {
    const app = new FakeApp({ signedIn: true });
    app.crm.work.tasks.push(makeTask({ id: "task-2" }));
    const page = open("/contacts/contact-1", app);
    const [first] = await screen.findAllByRole("button", { name: /^Done ?: Send the brochure/ });
    await page.user.click(first as HTMLElement);
    expect(await screen.findByText("Done: Send the brochure")).toHaveFocus();
    await page.user.click(await screen.findByRole("button", { name: /^Done ?: Send the brochure/ }));
    expect(await within(await section()).findByText("Nothing is to be done.")).toBeVisible();
    expect(screen.getByText("Done: Send the brochure")).toHaveFocus();
  });

  it("are changed as far as they were touched, and the focus goes to what is told", async () => {
    const page = open("/contacts/contact-1");
    const dialog = await edit(page);
    expect(within(dialog).getByLabelText("Due")).toHaveValue("2026-10-31T11:00");
    await page.user.clear(within(dialog).getByLabelText("Due"));
    await page.user.type(within(dialog).getByLabelText("Due"), "2026-10-31T12:00");
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Task saved: Send the brochure")).toHaveFocus();
    expect(kept(page)).toMatchObject({ due_at: "2026-10-31T16:00:00.000Z", time_zone: "America/New_York" });
  });

  it("that a colleague changed while one types are not overwritten: one is told, and decides again", async () => {
    const page = open("/contacts/contact-1");
    const dialog = await edit(page);
    await page.user.type(within(dialog).getByLabelText("What is to be done"), " by mail");
    const theirs = { due_at: "2026-11-02T15:00:00Z", assigned_to: { id: "user-2", name: "Mona Manager" } };
    Object.assign(kept(page), { ...theirs, version: 7 });
    comeBack();
    expect(await within(await section()).findByText(/· Mona Manager/)).toBeInTheDocument();
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("What you typed is still here");
    expect(kept(page)).toMatchObject({ title: "Send the brochure", version: 7 });
    expect(within(dialog).getByLabelText("What is to be done")).toHaveValue("Send the brochure by mail");
    await waitFor(() => expect(within(dialog).getByLabelText("Who does it")).toHaveDisplayValue("Mona Manager"));
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Task saved: Send the brochure by mail")).toBeVisible();
    expect(kept(page)).toMatchObject({ ...theirs, version: 8 });
  });

  it("that a colleague has done meanwhile stay in their form with what was typed", async () => {
    const page = open("/contacts/contact-1");
    const dialog = await edit(page);
    await page.user.type(within(dialog).getByLabelText("What is to be done"), " by mail");
    Object.assign(kept(page), { done_at: "2026-10-30T16:00:00Z", version: 7 });
    comeBack();
    expect(await within(await section()).findByText("Nothing is to be done.")).toBeInTheDocument();
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await within(dialog).findByText("This task is done by now.")).toBeVisible();
    expect(within(dialog).getByLabelText("What is to be done")).toHaveValue("Send the brochure by mail");
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Task saved: Send the brochure by mail")).toBeVisible();
    expect(kept(page)).toMatchObject({ title: "Send the brochure by mail", done_at: "2026-10-30T16:00:00Z" });
  });

  it("keep their time when it is meant in a zone that this browser does not know", async () => {
    const app = new FakeApp({ signedIn: true });
    app.crm.work.tasks = [makeTask({ time_zone: "Factory" })];
    const page = open("/contacts/contact-1", app);
    const dialog = await edit(page);
    expect(within(dialog).getByLabelText("Due")).toHaveValue("2026-10-31T10:00");
    expect(within(dialog).getByLabelText("Time zone")).toHaveDisplayValue("America/Chicago (the brokerage’s)");
    await page.user.type(within(dialog).getByLabelText("What is to be done"), " by mail");
    await page.user.click(within(dialog).getByRole("button", { name: "Save" }));
    expect(await screen.findByText("Task saved: Send the brochure by mail")).toBeVisible();
    expect(kept(page)).toMatchObject({ due_at: "2026-10-31T15:00:00Z", time_zone: "Factory" });
  });
});

describe("the page of tasks", () => {
  it("shows one's own open ones with their contacts, and everybody's or the done ones by the address", async () => {
    const app = new FakeApp();
    app.signIn("user-3");
    const page = open("/tasks", app);
    const row = within(await screen.findByRole("list", { name: "Tasks" })).getByRole("listitem");
    expect(within(row).getByRole("link", { name: "Carla Canary" })).toHaveAttribute("href", "/contacts/contact-1");
    await page.user.click(within(row).getByRole("button", { name: /^Done/ }));
    expect(await screen.findByText("Done: Send the brochure")).toHaveFocus();
    await page.user.selectOptions(screen.getByLabelText("State"), "Done");
    await waitFor(() => expect(page.address()).toBe("/tasks?state=done"));
    await page.user.click(await screen.findByRole("button", { name: /^Open again/ }));
    expect(await screen.findByText("Open again: Send the brochure")).toHaveFocus();
  });

  it("says when nothing is to be done", async () => {
    open("/tasks");
    expect(await screen.findByRole("heading", { name: "Nothing is to be done" })).toBeVisible();
  });
});

describe("the time of a task", () => {
  it.each([
    ["2026-12-01T09:30", "America/Chicago", "2026-12-01T15:30:00.000Z"],
    ["2026-07-01T09:30", "America/Chicago", "2026-07-01T14:30:00.000Z"],
    ["2026-07-01T00:15", "Asia/Kathmandu", "2026-06-30T18:30:00.000Z"],
    // The clock comes back to one o'clock: the first one is meant.
    ["2026-11-01T01:30", "America/Chicago", "2026-11-01T06:30:00.000Z"],
  ])("%s in %s is %s, and back", (local, zone, instant) => {
    expect(toInstant(local, zone)).toBe(instant);
    expect(toLocal(instant, zone)).toBe(local);
  });

  it("in the hour that the clock skips is in the one after it", () => {
    expect(toLocal(toInstant("2026-03-08T02:30", "America/Chicago"), "America/Chicago")).toBe("2026-03-08T03:30");
  });
});
