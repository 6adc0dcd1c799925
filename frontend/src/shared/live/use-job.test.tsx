import { act, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { type FakeApp, problem } from "@/testing/fake-app";
import { FakeStream } from "@/testing/fake-stream";
import { as, choose, csv } from "@/testing/imports";
import { open } from "@/testing/open";
import { withFakeStreams } from "@/testing/with-fake-streams";

withFakeStreams();

const asked = (app: FakeApp) => app.log.filter((line) => line.startsWith("GET /api/v1/jobs/")).length;

/** The page of an import whose file is being checked. */
async function checking() {
  const app = as("user-1");
  app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
  await choose(open("/contacts/import", app), csv());
  return { app, bar: await screen.findByRole("progressbar", { name: "Import of contacts.csv" }) };
}

const tell = (data: Record<string, unknown>, id = "job-1") =>
  act(() =>
    FakeStream.last.send("change", { resource: "job", ids: [id], data: { kind: "crm.check_import", ...data } }),
  );

/** The list of contacts, whose file is being made; the stream has begun. */
async function exporting() {
  const app = as("user-1");
  app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
  const page = open("/contacts", app);
  await page.user.click(await screen.findByRole("button", { name: "Import and export" }));
  await page.user.click(await screen.findByRole("menuitem", { name: "Export as CSV" }));
  await screen.findByText("Your file is being made.");
  act(() => FakeStream.last.send("hello"));
  await vi.advanceTimersByTimeAsync(1_000);
  return app;
}

describe("a job that a page follows", () => {
  it("is shown as the stream tells it, without being asked for", async () => {
    const { app, bar } = await checking();
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked"));
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    const before = asked(app);
    tell({ state: "running", done: 4, total: 6, message: null });
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "4 of 6 rows checked"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked(app)).toBe(before);
  });

  it("does not take another job's progress for its own", async () => {
    const { bar } = await checking();
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked"));
    act(() => FakeStream.last.send("hello"));
    tell({ state: "running", done: 900, total: 1000, message: null }, "job-of-another");
    await vi.advanceTimersByTimeAsync(500);
    expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked");
  });

  it("that the stream says has ended is read, and so is what came of it", async () => {
    const { app, bar } = await checking();
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked"));
    act(() => FakeStream.last.send("hello"));
    app.bulk.jobs.finish();
    tell({ state: "succeeded", done: 6, total: 6, message: null });
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
  });

  it("that ended before the stream had begun is read when it begins", async () => {
    const { app, bar } = await checking();
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked"));
    app.bulk.jobs.finish();
    act(() => FakeStream.last.send("hello"));
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
  });

  it("that ended while it was first read is read once more", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    const arrive = app.delay("/api/v1/jobs/job-1");
    await choose(open("/contacts/import", app), csv());
    await waitFor(() => expect(asked(app)).toBe(1));
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(1_000);
    app.bulk.jobs.finish();
    tell({ state: "succeeded", done: 6, total: 6, message: null });
    arrive();
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
  });

  it("that ended while the stream was cut off is read when the stream says that something was missed", async () => {
    const { app, bar } = await checking();
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "0 of 6 rows checked"));
    act(() => FakeStream.last.send("hello"));
    await vi.advanceTimersByTimeAsync(3_000);
    app.bulk.jobs.finish();
    act(() => FakeStream.last.send("reset"));
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
  });

  it("that the stream says has ended is under way until it is known what came of it", async () => {
    const app = await exporting();
    const arrive = app.hold("/api/v1/jobs/job-1");
    app.bulk.jobs.finish();
    tell({ kind: "crm.export_people", state: "succeeded", done: 63, total: 63, message: null });
    await vi.advanceTimersByTimeAsync(500);
    expect(screen.getByText("Your file is being made.")).toBeVisible();
    expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "63 of 63 contacts");
    arrive();
    expect(await screen.findByText("63 contacts are in the file.")).toBeVisible();
    expect(screen.queryByRole("progressbar")).toBeNull();
  });

  it("that the stream says has failed is not said to have before it is known why", async () => {
    const app = await exporting();
    const arrive = app.hold("/api/v1/jobs/job-1");
    app.bulk.jobs.fail("The object storage is away.");
    tell({ kind: "crm.export_people", state: "failed", done: 0, total: 63, message: null });
    await vi.advanceTimersByTimeAsync(500);
    expect(screen.queryByRole("alert")).toBeNull();
    arrive();
    expect(await screen.findByRole("alert")).toHaveTextContent("The object storage is away. Try the export again.");
  });

  it("of which it could not be read what came is asked again", async () => {
    const app = await exporting();
    app.failures.set("/api/v1/jobs/job-1", () => problem(503, "Not available"));
    app.bulk.jobs.finish();
    tell({ kind: "crm.export_people", state: "succeeded", done: 63, total: 63, message: null });
    await vi.advanceTimersByTimeAsync(10_000); // with all retries
    app.failures.clear();
    for (let time = 0; time < 3; time++) {
      act(() => FakeStream.last.send("beat"));
      await vi.advanceTimersByTimeAsync(25_000);
    }
    expect(await screen.findByRole("link", { name: "Save the file again" })).toBeVisible();
  });

  it("is asked for again and again where there is no stream", async () => {
    const { app, bar } = await checking();
    act(() => FakeStream.last.fail());
    app.bulk.jobs.reach(5);
    await vi.advanceTimersByTimeAsync(1_500);
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "5 of 6 rows checked"));
  });
});
