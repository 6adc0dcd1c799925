import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import type { Feed } from "@/shared/api/types";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const withFeed = (change: Partial<Feed>) => {
  const app = new FakeApp({ signedIn: true });
  Object.assign(app.feeds[0] as Feed, change);
  return app;
};

describe("the feeds page", () => {
  it("shows a feed's state and times in the brokerage's zone", async () => {
    open("/feeds");
    const feed = await screen.findByRole("region", { name: "ames" });
    expect(feed).toHaveTextContent("Up to date");
    expect(feed).toHaveTextContent("Imported60");
    expect(feed).toHaveTextContent("Last changeOct 30, 2026, 10:03 AM CDT");
    expect(feed).toHaveTextContent("Behind by at most22 s");
  });

  it("falls back to the viewer's zone, with its name, when the browser does not know the brokerage's", async () => {
    const app = new FakeApp({ signedIn: true });
    app.tenant.time_zone = "Mars/Olympus_Mons";
    open("/feeds", app);
    const feed = await screen.findByRole("region", { name: "ames" });
    expect(feed).toHaveTextContent(/Last changeOct 30, 2026, \d+:\d\d [AP]M \S+/);
    expect(await screen.findByText("AMES-90002")).toBeVisible();
  });

  it("lists the bad records with the reasons, and the rest on demand", async () => {
    const page = open("/feeds");
    const list = await screen.findByRole("region", { name: "23 bad records" });
    expect(await within(list).findByText("AMES-90002")).toBeVisible();
    expect(list).toHaveTextContent("YearBuilt lies in the future (2999)");
    expect(within(list).getAllByText("Record as received")).toHaveLength(20);
    await page.user.click(within(list).getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(within(list).getAllByText("Record as received")).toHaveLength(23));
    expect(document.activeElement).toHaveTextContent("Record as received");
  });

  it("follows an import until it has finished", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    const page = open("/feeds", withFeed({ state: "importing", progress: { seen: 1500, total: 2953 } }));
    const bar = await screen.findByRole("progressbar", { name: "Import of ames" });
    expect(bar).toHaveAttribute("aria-valuetext", "1,500 of 2,953 records read");
    expect(bar).toHaveAttribute("aria-valuenow", "1500");
    Object.assign(page.app.feeds[0] as Feed, {
      state: "idle",
      imported: 2930,
      last_finished_at: "2026-10-30T15:10:00Z",
    });
    await vi.advanceTimersByTimeAsync(2_100);
    expect(await screen.findByText("Up to date")).toBeVisible();
    expect(screen.queryByRole("progressbar")).toBeNull();
    vi.useRealTimers();
  });

  it("shows why an import failed", async () => {
    open("/feeds", withFeed({ state: "failed", last_error: "The feed answered 502 to page 7." }));
    expect(await screen.findByRole("alert")).toHaveTextContent("The feed answered 502 to page 7.");
    expect(screen.getByText("Failed")).toBeVisible();
  });

  it("has no list of bad records when there are none", async () => {
    open("/feeds", withFeed({ rejected: 0, last_finished_at: null }));
    expect(await screen.findByText("Waiting")).toBeVisible();
    expect(screen.queryByText(/bad record/)).toBeNull();
  });

  it("tells the history of runs, what each did, and a withheld removal for what it is", async () => {
    open("/feeds");
    const table = await screen.findByRole("table", { name: "History" });
    const rows = within(table)
      .getAllByRole("row")
      .map((row) => row.textContent);
    expect(rows[1]).toBe("Oct 30, 2026, 10:03 AM CDTChangesSucceeded4 s1227030");
    expect(rows[3]).toContain("Check for removalsRemoval withheld");
    expect(rows[4]).toContain("fewer than half");
    expect(rows.at(-1)).toBe("Oct 30, 2026, 8:40 AM CDTEverythingSucceeded1 min 12 s836000023");
  });

  it("starts a run by hand and follows it", async () => {
    const page = open("/feeds");
    await page.user.click(await screen.findByRole("button", { name: /^Synchronize now/ }));
    expect(await screen.findByRole("button", { name: /^Synchronizing/ })).toHaveAttribute("aria-disabled", "true");
    expect(await screen.findByText("Running")).toBeVisible();
    expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "0 records read so far");
    expect(screen.getByRole("progressbar")).not.toHaveAttribute("aria-valuenow");
  });

  it("says so when another has started a run meanwhile", async () => {
    const page = open("/feeds");
    page.app.failures.set("/api/v1/feeds/ames/runs", () => problem(409, "A run is under way"));
    await page.user.click(await screen.findByRole("button", { name: /^Synchronize now/ }));
    expect(await screen.findByText("A run is under way already.")).toBeVisible();
  });

  it("warns that a run by hand confirms a withheld removal", async () => {
    open(
      "/feeds",
      withFeed({ state: "failed", last_error: "56 of 60 listings are missing; their removal is withheld" }),
    );
    expect(await screen.findByText("Starting a run now confirms the removal that is withheld.")).toBeVisible();
  });
});

describe("the search's own section", () => {
  it("tells the owner how the index stands and rebuilds it", async () => {
    const page = open("/feeds");
    const section = await screen.findByRole("region", { name: "Search" });
    await waitFor(() => expect(section).toHaveTextContent("60 of 60 listings in the index, nothing to come."));
    await page.user.click(within(section).getByRole("button", { name: "Rebuild the index" }));
    expect(await within(section).findByRole("progressbar")).toHaveAttribute("aria-valuetext", "0 of 60 listings");
    expect(page.app.log).toContain("POST /api/v1/search/rebuilds");
  });

  it("says plainly when the database answers in its place", async () => {
    const app = new FakeApp({ signedIn: true });
    app.search.state = "unavailable";
    open("/feeds", app);
    expect(await screen.findByText(/The database answers in its place/)).toBeVisible();
    expect(screen.getByText("Limited")).toBeVisible();
  });

  it("is not shown to others", async () => {
    const app = new FakeApp({ signedIn: true });
    if (app.session) app.session.user.role = "agent";
    open("/feeds", app);
    await screen.findByRole("region", { name: "ames" });
    expect(screen.queryByRole("region", { name: "Search" })).toBeNull();
  });
});
