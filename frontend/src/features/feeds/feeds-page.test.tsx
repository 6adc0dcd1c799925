import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import type { Feed } from "@/shared/api/types";
import { FakeApp } from "@/testing/fake-app";
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
    expect(feed).toHaveTextContent("Last finishedOct 30, 2026, 10:04 AM CDT");
  });

  it("falls back to the viewer's zone, with its name, when the browser does not know the brokerage's", async () => {
    const app = new FakeApp({ signedIn: true });
    app.tenant.time_zone = "Mars/Olympus_Mons";
    open("/feeds", app);
    const feed = await screen.findByRole("region", { name: "ames" });
    expect(feed).toHaveTextContent(/Last finishedOct 30, 2026, \d+:\d\d [AP]M \S+/);
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
    const page = open("/feeds", withFeed({ state: "importing", imported: 1500, last_finished_at: null }));
    expect(await screen.findByRole("progressbar", { name: "Import of ames" })).toHaveAttribute(
      "aria-valuetext",
      "1,500 listings in so far",
    );
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
});
