import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { as, checked } from "@/testing/imports";

/** Three contacts are being imported, and the server is at it. */
async function beginning() {
  const page = await checked(as("user-1"));
  page.app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
  await page.user.click(screen.getByRole("button", { name: "Import 3 contacts" }));
  await screen.findByRole("progressbar");
  return page;
}

describe("an import that broke off half way", () => {
  it("is no success: it says how many rows were not imported, why, and what the rest takes", async () => {
    const page = await beginning();
    page.app.bulk.jobs.reach(1);
    page.app.bulk.jobs.cancel();
    const status = await screen.findByText(
      "Imported in part: 1 added, 0 completed. 2 rows were not imported. 2 faulty rows were left out.",
    );
    expect(status).toHaveAttribute("role", "status");
    expect(screen.getByText("Imported in part")).toHaveClass("bg-warn-soft");
    const note = screen.getByRole("note");
    expect(note).toHaveTextContent("It was ended by hand. What was done until then stays done.");
    expect(note).toHaveTextContent(
      "does the rest; who has an address or number is known then, but rows without an address or number would come in twice.",
    );
    expect(within(note).getByRole("link", { name: "Importing the file again" })).toHaveAttribute(
      "href",
      "/contacts/import",
    );
    expect(screen.getByRole("button", { name: "Undo import…" })).toBeVisible();
    await page.user.click(screen.getByRole("link", { name: "All imports" }));
    const list = await screen.findByRole("list", { name: "Former imports" });
    expect(list).toHaveTextContent("contacts.csvImported in part");
    expect(list).toHaveTextContent("1 added, 0 completed, 2 not imported");
    expect(within(list).getByText("Imported in part")).toHaveClass("bg-warn-soft");
  });

  it("before its first row offers the import again, and says why", async () => {
    const page = await beginning();
    page.app.bulk.jobs.fail("The worker used too much memory.");
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
    expect(screen.getByRole("note")).toHaveTextContent(
      "The worker used too much memory. Nothing was imported: you can try again.",
    );
    page.app.bulk.jobs.takes = 0;
    await page.user.click(screen.getByRole("button", { name: "Import 3 contacts" }));
    expect(await screen.findByText("Imported: 2 added, 1 completed. 2 faulty rows were left out.")).toBeVisible();
    expect(screen.queryByRole("note")).toBeNull();
  });
});

describe("an undoing that broke off half way", () => {
  it("says how far it came, and goes on when it is asked for again", async () => {
    const page = await beginning();
    page.app.bulk.jobs.finish();
    await page.user.click(await screen.findByRole("button", { name: "Undo import…" }));
    await page.user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Undo import" }));
    await screen.findByText(/^The import is being undone/);
    page.app.bulk.jobs.reach(1);
    page.app.bulk.jobs.fail("The database was away.");
    expect(
      await screen.findByText(
        "The import is undone in part: 1 contact is as before. The others were not looked at yet.",
      ),
    ).toBeVisible();
    expect(screen.getByText("Undone in part")).toHaveClass("bg-warn-soft");
    expect(screen.getByRole("note")).toHaveTextContent("The database was away. Undo the import again to do the rest.");
    page.app.bulk.jobs.takes = 0;
    await page.user.click(screen.getByRole("button", { name: "Undo import…" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("1 contact is as before already.");
    await page.user.click(within(dialog).getByRole("button", { name: "Undo import" }));
    expect(await screen.findByText("The import is undone: 3 contacts are as before.")).toBeVisible();
  });
});
