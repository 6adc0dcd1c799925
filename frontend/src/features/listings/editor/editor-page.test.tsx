import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const ours = () => new FakeApp({ own: 3, signedIn: true });
const edit = (id = "own-active", app = ours()) => open(`/listings/${id}/edit`, app);
const ready = () => screen.findByRole("heading", { name: "Address & place" });
const box = (name: string | RegExp) => screen.getByLabelText(name);
const saved = () => screen.findByText(/^Saved \d+:\d\d/);
const patches = (app: FakeApp) => app.log.filter((line) => line.startsWith("PATCH"));

describe("autosave", () => {
  it("sends what was typed once typing pauses, and says when it is safe", async () => {
    const page = edit();
    await ready();
    await page.user.click(box("Subdivision"));
    await page.user.paste(" Village");
    expect(screen.getByText("Unsaved changes")).toBeVisible();
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").subdivision_name).toBe("Old Town Village");
    expect(patches(page.app)).toHaveLength(1);
    expect(localStorage).toHaveLength(0);
  });

  it("sends at once when a field is left", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, advanceTimeDelta: 1 });
    const page = edit();
    await ready();
    await page.user.type(box("City"), "!");
    await page.user.tab();
    await waitFor(() => expect(page.app.editing.home("own-active").city).toBe("Ames!"));
    vi.useRealTimers();
  });

  it("keeps one request under way; what is edited meanwhile follows over its version", async () => {
    const page = edit();
    await ready();
    const release = page.app.hold("/api/v1/properties/own-active");
    await page.user.type(box("City"), " A");
    await page.user.tab();
    expect(await screen.findByText("Saving…")).toBeVisible();
    await page.user.type(box("County or parish"), " B");
    await page.user.tab();
    await page.user.type(box("City"), " C");
    await page.user.tab();
    expect(patches(page.app)).toHaveLength(1);
    release();
    expect(await saved()).toBeVisible();
    await waitFor(() => expect(patches(page.app)).toHaveLength(2));
    expect(page.app.editing.home("own-active")).toMatchObject({
      city: "Ames A C",
      county_or_parish: "Story B",
      version: 5,
    });
    expect(screen.queryByText(/changed this listing/)).toBeNull();
  });

  it("without a connection keeps everything in this browser, and sends it when there is one again", async () => {
    const page = edit();
    await ready();
    page.app.isOffline = true;
    await page.user.type(box("City"), " offline");
    await page.user.tab();
    expect(await screen.findByText("Offline: kept in this browser, will be sent")).toBeVisible();
    expect(localStorage.getItem("rooftree.edits.user-1.own-active")).toContain("Ames offline");
    page.app.isOffline = false;
    window.dispatchEvent(new Event("online"));
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").city).toBe("Ames offline");
    expect(localStorage).toHaveLength(0);
  });

  it("sends after a reload what an earlier visit could not", async () => {
    const app = ours();
    localStorage.setItem(
      "rooftree.edits.user-1.own-active",
      JSON.stringify({ version: 3, edits: { city: "Nevada" }, was: { city: "Ames" } }),
    );
    edit("own-active", app);
    await ready();
    expect(box("City")).toHaveValue("Nevada");
    expect(await saved()).toBeVisible();
    expect(app.editing.home("own-active").city).toBe("Nevada");
  });

  it("keeps another person's unsent edits apart in a shared browser", async () => {
    const key = "rooftree.edits.user-2.own-active";
    localStorage.setItem(key, JSON.stringify({ version: 3, edits: { city: "Nevada" }, was: { city: "Ames" } }));
    edit();
    await ready();
    expect(box("City")).toHaveValue("Ames");
    expect(localStorage.getItem(key)).not.toBeNull();
  });

  it("tells of a failing server with the request to quote, and tries again on demand", async () => {
    const page = edit();
    await ready();
    page.app.failures.set("/api/v1/properties/own-active", () => problem(503, "Database down"));
    await page.user.type(box("City"), "!");
    await page.user.tab();
    const status = await screen.findByText(/^Not saved: The server could not answer just now/);
    expect(status).toHaveTextContent("req-0123456789");
    page.app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").city).toBe("Ames!");
  });

  it("leads through sign-in when the session has ended, and keeps the edit for the way back", async () => {
    const page = edit();
    await ready();
    page.app.session = undefined;
    await page.user.type(box("City"), "!");
    await page.user.tab();
    expect(await page.leftFor()).toBe("/auth/login?return_to=%2Flistings%2Fown-active%2Fedit");
    expect(localStorage.getItem("rooftree.edits.user-1.own-active")).toContain("Ames!");
  });
});

describe("undo and redo", () => {
  it("go by buttons, a visit to a field being one step", async () => {
    const page = edit();
    await ready();
    await page.user.type(box("City"), " one");
    await page.user.type(box("Subdivision"), " two");
    await page.user.click(screen.getByRole("button", { name: "Undo: Subdivision" }));
    await page.user.click(screen.getByRole("button", { name: "Undo: City" }));
    expect(box("City")).toHaveValue("Ames");
    expect(screen.getByText("Undone: City")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Undo" })).toHaveAttribute("aria-disabled", "true");
    await page.user.click(screen.getByRole("button", { name: "Redo: City" }));
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").city).toBe("Ames one");
  });

  it("go by keys outside of text boxes, as a reverse patch", async () => {
    const page = edit();
    await ready();
    await page.user.click(box("Show the address on the internet"));
    await waitFor(() => expect(page.app.editing.home("own-active").internet_address_display).toBe(false));
    await page.user.keyboard("{Control>}z{/Control}");
    expect(box("Show the address on the internet")).toBeChecked();
    await waitFor(() => expect(page.app.editing.home("own-active").internet_address_display).toBe(true));
    await page.user.keyboard("{Control>}{Shift>}z{/Shift}{/Control}");
    expect(box("Show the address on the internet")).not.toBeChecked();
  });

  it("leave a text box's own undo alone", async () => {
    const page = edit();
    await ready();
    await page.user.type(box("City"), "!");
    await page.user.keyboard("{Control>}z{/Control}");
    expect(screen.getByRole("button", { name: "Undo: City" })).toBeVisible();
  });
});

describe("several values to a field", () => {
  it("are added by Enter and comma, taken off one by one, and kept when the box is left", async () => {
    const page = edit();
    await ready();
    await page.user.type(box("Heating"), "Radiant{Enter}Heat Pump,Solar");
    await page.user.tab();
    const list = screen.getByRole("list", { name: "Heating, as chosen" });
    await page.user.click(within(list).getByRole("button", { name: "Remove Natural Gas" }));
    await waitFor(() =>
      expect(page.app.editing.home("own-active").heating).toEqual(["Forced Air", "Radiant", "Heat Pump", "Solar"]),
    );
  });
});

describe("leaving", () => {
  it("asks nothing when all is saved, and saves what waits on the way out", async () => {
    const page = edit();
    await ready();
    await page.user.type(box("City"), "!");
    await page.user.click(screen.getByRole("link", { name: "My listings" }));
    expect(await screen.findByRole("heading", { level: 1, name: "My listings" })).toBeVisible();
    expect(page.app.editing.home("own-active").city).toBe("Ames!");
  });

  it("asks when something could not be sent, and leaves it in this browser", async () => {
    const page = edit();
    await ready();
    page.app.isOffline = true;
    await page.user.type(box("City"), "!");
    await page.user.click(screen.getByRole("link", { name: "My listings" }));
    const dialog = await screen.findByRole("dialog", { name: "Leave with unsaved changes?" });
    await page.user.click(within(dialog).getByRole("button", { name: "Stay" }));
    expect(box("City")).toHaveValue("Ames!");
    await page.user.click(screen.getByRole("link", { name: "My listings" }));
    await page.user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Leave" }));
    page.app.isOffline = false;
    expect(await screen.findByRole("heading", { level: 1, name: "My listings" })).toBeVisible();
    expect(localStorage.getItem("rooftree.edits.user-1.own-active")).toContain("Ames!");
  });
});

describe("who may not", () => {
  it("edit a listing is told who can", async () => {
    edit("home-1");
    expect(await screen.findByRole("heading", { name: "You cannot edit this listing" })).toBeVisible();
    expect(screen.getByRole("link", { name: "View the listing" })).toHaveAttribute("href", "/listings/home-1");
  });

  it("even see it is told that it is not there", async () => {
    edit("own-404");
    expect(await screen.findByRole("heading", { name: "This listing is not here" })).toBeVisible();
  });
});
