import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const ours = () => new FakeApp({ own: 3, signedIn: true });
const edit = (id = "own-active", app = ours()) => open(`/listings/${id}/edit`, app);
const ready = () => screen.findByRole("heading", { name: "Address & place" });
const box = (name: string | RegExp) => screen.getByLabelText(name);
const saved = () => screen.findByText(/^Saved \d+:\d\d/);
const patches = (app: FakeApp) => app.log.filter((line) => line.startsWith("PATCH"));

describe("someone else's change", () => {
  const collide = async () => {
    const page = edit();
    await ready();
    page.app.editing.changeBy("Ben Agent", "own-active", { city: "Boone", bedrooms_total: 9 });
    await page.user.type(box("City"), " mine");
    await page.user.type(box("Subdivision"), "!");
    await page.user.tab();
    return { page, notice: await screen.findByRole("region", { name: /^Ben Agent changed this listing at / }) };
  };

  it("to the same field is shown beside mine; the rest of my edits is saved", async () => {
    const { page, notice } = await collide();
    expect(notice).toHaveTextContent("YoursAmes mineKeep mine");
    expect(notice).toHaveTextContent("Ben Agent’sBooneTake theirs");
    expect(notice).toHaveTextContent(/Bedrooms: \d became→ 9/);
    expect(box("Bedrooms")).toHaveValue("9");
    expect(box("City")).toHaveValue("Ames mine");
    expect(box("City")).toHaveAccessibleDescription(/Changed by someone else as well/);
    await waitFor(() => expect(page.app.editing.home("own-active").subdivision_name).toMatch(/!$/));
    expect(page.app.editing.home("own-active").city).toBe("Boone");
  });

  it("gives way to mine when I keep it", async () => {
    const { page, notice } = await collide();
    await page.user.click(within(notice).getByRole("button", { name: "Keep mine: City" }));
    expect(box("City")).toHaveFocus();
    await waitFor(() => expect(page.app.editing.home("own-active").city).toBe("Ames mine"));
    expect(await saved()).toBeVisible();
  });

  it("is taken on demand, and mine is one step back", async () => {
    const { page, notice } = await collide();
    await page.user.click(within(notice).getByRole("button", { name: "Take theirs: City" }));
    expect(box("City")).toHaveValue("Boone");
    await page.user.click(screen.getByRole("button", { name: "Undo: City" }));
    expect(box("City")).toHaveValue("Ames mine");
    await waitFor(() => expect(page.app.editing.home("own-active").city).toBe("Ames mine"));
  });

  it("can be settled for all fields at once", async () => {
    const page = edit();
    await ready();
    page.app.isOffline = true;
    await page.user.type(box("City"), "1");
    await page.user.type(box("County or parish"), "2");
    await page.user.tab();
    page.app.editing.changeBy("Ben Agent", "own-active", { city: "Boone", county_or_parish: "Boone" });
    page.app.isOffline = false;
    window.dispatchEvent(new Event("online"));
    await page.user.click(await screen.findByRole("button", { name: "Take all of theirs" }));
    expect(box("City")).toHaveValue("Boone");
    expect(box("County or parish")).toHaveValue("Boone");
    await page.user.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(screen.queryByRole("region", { name: /changed this listing/ })).toBeNull();
  });

  it("is found after a reload as well, when mine could not be sent before", async () => {
    const app = ours();
    app.editing.changeBy("Ben Agent", "own-active", { city: "Boone" });
    const stored = { version: 3, edits: { city: "Nevada" }, was: { city: "Ames" } };
    localStorage.setItem("rooftree.edits.user-1.own-active", JSON.stringify(stored));
    edit("own-active", app);
    expect(await screen.findByRole("region", { name: /^Someone else changed this listing/ })).toHaveTextContent(
      "YoursNevada",
    );
    expect(app.editing.home("own-active").city).toBe("Boone");
  });

  it("that equals mine, as after an answer that was lost, is no conflict", async () => {
    const page = edit();
    await ready();
    page.app.editing.changeBy("Olivia Owner", "own-active", { city: "Ames!" });
    await page.user.type(box("City"), "!");
    await page.user.tab();
    await waitFor(() => expect(patches(page.app)).toHaveLength(1));
    await waitFor(() => expect(localStorage).toHaveLength(0));
    expect(screen.queryByText(/changed this listing/)).toBeNull();
  });
});
