import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { checked } from "@/testing/imports";
import { open } from "@/testing/open";

describe("undoing an import", () => {
  async function imported() {
    const page = await checked();
    await page.user.click(screen.getByRole("button", { name: "Import 3 contacts" }));
    await screen.findByText(/^Imported:/);
    return page;
  }

  it("says before what it does, and after what it did and what it kept", async () => {
    const page = await imported();
    const before = page.app.crm.contacts.length;
    const touched = page.app.crm.contacts.find(({ name }) => name === "Nina New");
    if (touched) page.app.crm.touch(touched, { tags: ["Met"] });
    await page.user.click(screen.getByRole("button", { name: "Undo import…" }));
    const dialog = await screen.findByRole("dialog", { name: "Undo this import?" });
    expect(dialog).toHaveTextContent("2 contacts that it added are removed.");
    expect(dialog).toHaveTextContent("1 contact that it completed loses what was added.");
    expect(dialog).toHaveTextContent(
      "Whom somebody has worked with since is kept: was there a change, note, task, call, lead or move to another stage, the contact stays as it is, and is counted.",
    );
    await page.user.click(within(dialog).getByRole("button", { name: "Undo import" }));
    expect(
      await screen.findByText(
        "The import is undone: 2 contacts are as before. 1 contact was kept, because somebody has worked with them since.",
      ),
    ).toBeVisible();
    expect(page.app.crm.contacts).toHaveLength(before - 1);
    expect(screen.queryByRole("button", { name: /Undo/ })).toBeNull();
  });

  it("can be thought better of", async () => {
    const page = await imported();
    await page.user.click(screen.getByRole("button", { name: "Undo import…" }));
    await page.user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Cancel" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    expect(page.app.log.some((line) => line.includes("/undo"))).toBe(false);
  });

  it("goes for a week, and then is said to be too late", async () => {
    const page = await imported();
    expect(screen.getByText(/^Until /)).toBeVisible();
    const kept = page.app.bulk.kept[0];
    if (kept) kept.shown.applied_at = new Date(Date.now() - 8 * 86_400_000).toISOString();
    document.body.replaceChildren();
    open("/contacts/imports/import-1", page.app);
    expect(await screen.findByText(/It is too late to undo it/)).toBeVisible();
    expect(screen.queryByRole("button", { name: /Undo/ })).toBeNull();
  });
});
