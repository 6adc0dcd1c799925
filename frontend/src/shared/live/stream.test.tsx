import { act, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import type { Feed } from "@/shared/api/types";
import { FakeApp } from "@/testing/fake-app";
import { FakeStream } from "@/testing/fake-stream";
import { open } from "@/testing/open";
import { withFakeStreams } from "@/testing/with-fake-streams";

withFakeStreams();

const importing = () => {
  const app = new FakeApp({ signedIn: true });
  Object.assign(app.feeds[0] as Feed, { state: "importing", progress: { seen: 1500, total: 2953 } });
  return app;
};
const bar = () => screen.findByRole("progressbar", { name: "Import of ames" });
const asked = (app: FakeApp) => app.log.filter((line) => line === "GET /api/v1/feeds").length;

describe("the stream of changes", () => {
  it("moves an import's progress without being asked for", async () => {
    const { app } = open("/feeds", importing());
    expect(await bar()).toHaveAttribute("aria-valuenow", "1500");
    act(() => FakeStream.last.send("hello"));
    Object.assign(app.feeds[0] as Feed, { progress: { seen: 2500, total: 2953 } });
    const before = asked(app);
    act(() => FakeStream.last.send("change", { resource: "feed", ids: ["ames"] }));
    await waitFor(() => expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "2500"));
    expect(asked(app)).toBe(before + 1);
  });

  it("has many changes at once read once, and asks seldom while it is heard", async () => {
    const { app } = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(3_000);
    const before = asked(app);
    for (let time = 0; time < 20; time++) act(() => FakeStream.last.send("change", { resource: "feed", ids: [] }));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked(app)).toBe(before + 1);
  });

  it("falls back to asking where it cannot be had", async () => {
    const { app } = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.fail());
    const before = asked(app);
    await vi.advanceTimersByTimeAsync(6_500);
    expect(asked(app)).toBeGreaterThanOrEqual(before + 3);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(FakeStream.opened.length).toBe(2);
  });

  it("reads everything anew when something may be missing", async () => {
    const { app } = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    const before = asked(app);
    act(() => FakeStream.last.send("reset"));
    await waitFor(() => expect(asked(app)).toBe(before + 1));
  });

  it("has read what came between a page's first reading and its own beginning", async () => {
    const { app } = open("/feeds", importing());
    await bar();
    Object.assign(app.feeds[0] as Feed, { progress: { seen: 2500, total: 2953 } });
    const before = asked(app);
    act(() => FakeStream.last.send("hello"));
    await waitFor(() => expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "2500"));
    expect(asked(app)).toBe(before + 1);
  });

  it("lets a page's first reading finish, and has it followed by one more however much has changed", async () => {
    const app = importing();
    const arrive = app.delay("/api/v1/feeds");
    open("/feeds", app);
    await waitFor(() => expect(asked(app)).toBe(1));
    Object.assign(app.feeds[0] as Feed, { progress: { seen: 2500, total: 2953 } });
    act(() => FakeStream.last.send("hello"));
    for (let time = 0; time < 4; time++) {
      await vi.advanceTimersByTimeAsync(500);
      act(() => FakeStream.last.send("change", { resource: "feed", ids: ["ames"] }));
    }
    await vi.advanceTimersByTimeAsync(500);
    expect(asked(app)).toBe(1);
    arrive();
    await waitFor(async () => expect(await bar()).toHaveAttribute("aria-valuenow", "2500"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked(app)).toBe(2);
  });

  it("that the browser takes up again has nothing read: it goes on without loss", async () => {
    const { app } = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    const before = asked(app);
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked(app)).toBe(before);
  });

  it("had again on a later page has it read what was missed", async () => {
    const page = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.send("hello"));
    await act(() => page.router.navigate("/offices"));
    await vi.advanceTimersByTimeAsync(6_000);
    await act(() => page.router.navigate("/feeds"));
    await bar();
    await vi.advanceTimersByTimeAsync(100);
    const before = asked(page.app);
    act(() => FakeStream.last.send("hello"));
    await waitFor(() => expect(asked(page.app)).toBe(before + 1));
  });

  it("is one for the window, and closed on a page that follows nothing", async () => {
    const page = open("/feeds", importing());
    await bar();
    await act(() => page.router.navigate("/inbox"));
    await screen.findByRole("heading", { name: "Inbox" });
    expect(FakeStream.opened.length).toBe(1);
    expect(FakeStream.last.readyState).toBe(1);
    await act(() => page.router.navigate("/offices"));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(FakeStream.last.readyState).toBe(FakeStream.CLOSED);
  });

  it("is given up by a page that nobody touches, and by a hidden one, and had again with what was missed", async () => {
    const page = open("/feeds", importing());
    await bar();
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(16 * 60_000);
    expect(FakeStream.last.readyState).toBe(FakeStream.CLOSED);
    expect(FakeStream.opened.length).toBeGreaterThanOrEqual(1);
    const opened = FakeStream.opened.length;
    await page.user.keyboard("{Shift}");
    expect(FakeStream.opened.length).toBe(opened + 1);
    const before = asked(page.app);
    act(() => FakeStream.last.send("hello"));
    await waitFor(() => expect(asked(page.app)).toBeGreaterThan(before));
  });

  it("shows a rebuild's progress as it is told", async () => {
    open("/feeds");
    const section = await screen.findByRole("region", { name: "Search" });
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    const job = { kind: "property.rebuild_search", state: "running", done: 20, total: 60, message: null };
    act(() => FakeStream.last.send("change", { resource: "job", ids: ["job-1"], data: job }));
    await waitFor(() => expect(section).toHaveTextContent("20 of 60 listings"));
    act(() =>
      FakeStream.last.send("change", { resource: "job", ids: ["job-1"], data: { ...job, state: "succeeded" } }),
    );
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
  });

  /** The page of the feeds while the index is being rebuilt, as the stream has told. */
  async function rebuilding() {
    const { app } = open("/feeds");
    const section = await screen.findByRole("region", { name: "Search" });
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    const job = app.bulk.jobs.start("property.rebuild_search", 60, () => null);
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    const data = { kind: job.kind, state: "running", done: 20, total: 60, message: null };
    act(() => FakeStream.last.send("change", { resource: "job", ids: [job.id], data }));
    await waitFor(() => expect(section).toHaveTextContent("20 of 60 listings"));
    return app;
  }

  it("takes a rebuild's progress away that ended while it was cut off", async () => {
    const app = await rebuilding();
    app.bulk.jobs.finish();
    act(() => FakeStream.last.send("reset"));
    await waitFor(() => expect(screen.queryByRole("progressbar")).toBeNull());
  });

  it("is newer than what was asked for before", async () => {
    const app = importing();
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    const job = app.bulk.jobs.start("property.rebuild_search", 60, () => null);
    const arrive = app.delay("/api/v1/jobs");
    open("/feeds", app);
    await bar();
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    app.bulk.jobs.finish();
    const data = { kind: job.kind, state: "succeeded", done: 60, total: 60, message: null };
    act(() => FakeStream.last.send("change", { resource: "job", ids: [job.id], data }));
    arrive();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(screen.queryByRole("progressbar", { name: "Rebuild of the search index" })).toBeNull();
  });

  it("has a rebuild looked at once a minute all the same", async () => {
    const app = await rebuilding();
    app.bulk.jobs.finish();
    for (let time = 0; time < 5; time++) {
      act(() => FakeStream.last.send("beat"));
      await vi.advanceTimersByTimeAsync(15_000);
    }
    expect(FakeStream.opened.length).toBe(1);
    expect(screen.queryByRole("progressbar")).toBeNull();
  });

  it("brings a lead to the inbox at once", async () => {
    const { app } = open("/inbox");
    await screen.findByRole("list", { name: "Leads" });
    act(() => FakeStream.last.send("hello"));
    const count = () => app.log.filter((line) => line.startsWith("GET /api/v1/leads")).length;
    const before = count();
    act(() => FakeStream.last.send("change", { resource: "person", ids: ["person-1"] }));
    await waitFor(() => expect(count()).toBe(before + 1));
  });
});
