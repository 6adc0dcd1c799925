import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeLead } from "@/testing/crm";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const lead = async (name: string) => (await screen.findByRole("link", { name })).closest("li") as HTMLElement;
const kept = (app: FakeApp, id: string) => app.crm.contacts.find((contact) => contact.id === id);

describe("the inbox", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-10-30T15:20:00Z") });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("shows who asks for what, since when, and how long they wait", async () => {
    open("/inbox");
    const wanda = await lead("Wanda Waiting");
    expect(wanda).toHaveTextContent("New");
    expect(wanda).toHaveTextContent("waits for 1 h 20 min");
    expect(wanda).toHaveTextContent("Property Inquiry · Listing page · wanda@mail.example");
    expect(wanda).toHaveTextContent("May I see it on Sunday?");
    expect(within(wanda).getByRole("link", { name: "1201 Oak Street, Ames" })).toHaveAttribute(
      "href",
      "/listings/home-1",
    );
    const carla = await lead("Carla Canary");
    expect(carla).toHaveTextContent("has not agreed to be contacted");
    expect(carla).toHaveTextContent("written down by Arthur Agent");
    expect(await lead("Henry Hot")).toHaveTextContent("answered after 12 min");
  });

  it("is read anew the more seldom the more pages of it are shown", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const app = as("user-1");
    app.crm.leads.kept = Array.from({ length: 30 }, (_, index) => makeLead({ id: `lead-${index}` }));
    const page = open("/inbox", app);
    const reads = () => app.log.filter((line) => line.startsWith("GET /api/v1/leads?")).length;
    await screen.findAllByRole("link", { name: "Wanda Waiting" });
    await vi.advanceTimersByTimeAsync(15_100);
    await waitFor(() => expect(reads()).toBe(2));
    const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTimeAsync(ms) });
    await user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(screen.getAllByRole("link", { name: "Wanda Waiting" })).toHaveLength(30));
    const before = reads();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(reads()).toBe(before);
    await vi.advanceTimersByTimeAsync(10_100);
    await waitFor(() => expect(reads()).toBe(before + 2));
    expect(page.address()).toBe("/inbox");
  });

  it("is narrowed by whose they are and their state, kept in the address", async () => {
    const page = open("/inbox");
    await lead("Henry Hot");
    await page.user.selectOptions(screen.getByLabelText("Whose"), "Nobody’s yet");
    await waitFor(() => expect(page.address()).toBe("/inbox?owner=unassigned"));
    expect(await screen.findByText("1 lead")).toBeVisible();
    await page.user.selectOptions(screen.getByLabelText("Whose"), "All in view");
    await page.user.selectOptions(screen.getByLabelText("State"), "Responded");
    await waitFor(() => expect(page.address()).toBe("/inbox?state=responded"));
    await waitFor(() => expect(screen.queryByRole("link", { name: "Wanda Waiting" })).toBeNull());
  });

  it("claims a lead and leads to its contact", async () => {
    const page = open("/inbox", as("user-3"));
    await page.user.click(await screen.findByRole("button", { name: /^Claim ?Wanda Waiting/ }));
    const told = await screen.findByText(/You look after Wanda Waiting now/);
    expect(kept(page.app, "contact-2")?.assigned_to?.id).toBe("user-3");
    await waitFor(() => expect(screen.queryByRole("button", { name: /^Claim ?Wanda Waiting/ })).toBeNull());
    await page.user.click(within(told).getByRole("link", { name: "Open the contact" }));
    await page.user.click(await screen.findByRole("link", { name: "Back to the inbox" }));
    await lead("Henry Hot");
    expect(page.address()).toBe("/inbox");
  });

  it("tells the loser of a race who won", async () => {
    const page = open("/inbox");
    await lead("Wanda Waiting");
    Object.assign(kept(page.app, "contact-2") ?? {}, { assigned_to: { id: "user-2", name: "Mona Manager" } });
    await page.user.click(screen.getByRole("button", { name: /^Claim ?Wanda Waiting/ }));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "Mona Manager was quicker and looks after Wanda Waiting now.",
    );
    await waitFor(() => expect(screen.queryByRole("button", { name: /^Claim ?Wanda Waiting/ })).toBeNull());
  });

  it("tells an agent who may not know the winner that it was a colleague", async () => {
    const page = open("/inbox", as("user-3"));
    await lead("Wanda Waiting");
    Object.assign(kept(page.app, "contact-2") ?? {}, { assigned_to: { id: "user-2", name: "Mona Manager" } });
    await page.user.click(screen.getByRole("button", { name: /^Claim ?Wanda Waiting/ }));
    expect(await screen.findByRole("alert")).toHaveTextContent("A colleague was quicker");
    await waitFor(() => expect(screen.queryByRole("link", { name: "Wanda Waiting" })).toBeNull());
  });

  it("says when there is nothing, and what failed", async () => {
    const app = as("user-1");
    app.crm.leads.kept = [];
    open("/inbox", app);
    expect(await screen.findByRole("heading", { name: "No leads yet" })).toBeVisible();
    const failing = as("user-1");
    failing.failures.set("/api/v1/leads", () => problem(503, "Away"));
    open("/inbox", failing);
    expect(await screen.findByText("Leads could not be loaded")).toBeVisible();
  });
});
