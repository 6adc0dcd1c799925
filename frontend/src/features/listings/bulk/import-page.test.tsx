import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { as, checked, choose, csv, figures } from "@/testing/imports";
import { open } from "@/testing/open";
import { violations } from "@/testing/violations";

/** Of the owner's three listings 1001 is a draft, and 1002 is active. */
const TABLE = `MLS #,Address,City,List price,Beds,Remark
1001,12 Elm St,Ames,"$525,000",3,
1002,,,410000.50,,lowered
1003,,Ames,,,
A-77,9 Oak Ave,Ames,300000,2,
,10 Oak Ave,Ames,310000,2,
1002,,,1,,
A-78,1 Ash Ct,Ames,about 3,2,
`;

const file = (text = TABLE) => csv(text, "homes.csv");
const ours = () => as("user-1", { own: 3, homes: 5 });
const judged = (app = ours()) => checked(app, file(), "/listings/import");
const button = (name: string) => screen.getByRole("button", { name });
const home = (app: ReturnType<typeof ours>, id: string) => app.homes.find(({ listing_id }) => listing_id === id);

async function imported() {
  const page = await judged();
  await page.user.click(button("Import 4 listings"));
  await screen.findByText(/^Imported:/);
  return page;
}

describe("the import of listings", () => {
  it("is reached from one's own listings, and leads back there", async () => {
    const page = open("/listings/mine", ours());
    await page.user.click(await screen.findByRole("button", { name: "Import and export" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Import listings" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Import listings" })).toBeVisible();
    expect(page.address()).toBe("/listings/import");
    expect(screen.getByText(/New ones become drafts of yours, or of the agent/)).toBeVisible();
    await page.user.click(screen.getByRole("link", { name: "Back to listings" }));
    expect(await screen.findByRole("heading", { level: 1, name: "My listings" })).toBeVisible();
  });

  it("is offered to who has no listing yet", async () => {
    const page = open("/listings/mine", as("user-1"));
    await page.user.click(await screen.findByRole("link", { name: "Import listings" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Import listings" })).toBeVisible();
  });

  it("is not offered to who may not add listings", async () => {
    const app = as("user-3");
    Object.assign(app.people.users.find(({ id }) => id === "user-3") ?? {}, { role: "coordinator" });
    app.signIn("user-3");
    open("/listings/import", app);
    expect(await screen.findByText("Whoever may add listings may import them, too.")).toBeVisible();
    document.body.replaceChildren();
    const page = open("/listings/mine", app);
    await page.user.click(await screen.findByRole("button", { name: "Export" }));
    expect(screen.queryByRole("menuitem", { name: "Import listings" })).toBeNull();
  });

  it("asks the API of listings, and says what would become of each row", async () => {
    const page = await judged();
    expect(page.address()).toBe("/listings/imports/import-1");
    expect(page.app.log).toContain("POST /api/v1/property-imports?file_name=homes.csv");
    expect(page.app.log.filter((line) => line.includes("people-imports"))).toEqual([]);
    expect(
      screen.getByText(
        "2 listings are new, 2 listings are updated, 1 listing stays as it is, and 2 rows are faulty. Nothing is changed yet.",
      ),
    ).toBeVisible();
    expect(await figures()).toEqual(["New 2", "To be updated 2", "Unchanged 1", "Faulty 2"]);
    const result = screen.getByRole("region", { name: "Result" });
    expect(result).toHaveTextContent("Each becomes a draft of yours, or of the agent whom a column names");
    expect(result).toHaveTextContent("Cells that are not empty replace what is there, empty ones leave it");
    const table = await screen.findByRole("table", { name: "2 faulty rows" });
    expect(
      within(table)
        .getAllByRole("row")
        .map(({ textContent }) => textContent),
    ).toEqual([
      "RowColumnIn the fileWhat is wrong",
      "7MLS #1002Row 3 is about the same listing.MLS #: 1002",
      "8List priceabout 3This is no amount of USD, such as 12345.00.List price: about 3",
    ]);
    expect(screen.getByRole("link", { name: "Download 2 rows" })).toHaveAttribute(
      "href",
      "/api/v1/property-imports/import-1/errors.csv",
    );
  });

  it("says of each faulty row which cell it is about, several times of one with several", async () => {
    const app = ours();
    Object.assign(home(app, "1003") ?? {}, { can_edit: false });
    const rows = ["1003,5 Elm St,,,", "RT-17,6 Elm St,,,", "1002,,,0,", "A-79,,,some,many", "1001,,,,", ",,,,"];
    await checked(app, file(["MLS #,Address,City,List price,Beds", ...rows].join("\n")), "/listings/import");
    expect(await figures()).toEqual(["New 0", "To be updated 0", "Unchanged 0", "Faulty 6"]);
    const table = await screen.findByRole("table", { name: "6 faulty rows" });
    const lines = within(table).getAllByRole("row").slice(1);
    expect(lines.map(({ textContent }) => textContent)).toEqual([
      "2MLS #1003This listing is not yours to change.MLS #: 1003",
      "3MLS #RT-17No listing has this id. Leave the cell empty for a new one.MLS #: RT-17",
      "4List price0A published listing has a list price.List price: 0",
      "5List pricesomeThis is no amount of USD, such as 12345.00.List price: some",
      "5BedsmanyThis is no whole number, such as 1850. Give a whole number, or leave the column out.Beds: many",
      "6MLS #1001There is nothing but an id in this row.MLS #: 1001",
      "7––There is nothing in the columns of this row that fill a field.",
    ]);
  });

  it("has columns that are chosen anew checked again", async () => {
    const page = await judged();
    await page.user.selectOptions(screen.getByLabelText("“MLS #” is"), "Left out");
    await page.user.click(button("Check again"));
    expect(await screen.findByRole("button", { name: "Import 6 listings" })).toBeVisible();
    expect(page.app.log).toContain("PATCH /api/v1/property-imports/import-1");
  });

  it("makes drafts of new ones and updates one's own, and leads to them", async () => {
    const page = await imported();
    expect(screen.getByText("Imported: 2 added, 2 updated. 2 faulty rows were left out.")).toBeVisible();
    expect(await figures()).toEqual(["Added 2", "Updated 2", "Unchanged 1", "Left out 2"]);
    expect(home(page.app, "1002")?.list_price.amount).toBe(41_000_050);
    expect(home(page.app, "1002")?.standard_status).toBe("Active");
    await page.user.click(screen.getByRole("link", { name: "See your listings" }));
    const drafts = await screen.findByRole("region", { name: /^Drafts/ });
    for (const name of ["12 Elm St", "9 Oak Ave", "10 Oak Ave"])
      expect(await within(drafts).findByRole("link", { name })).toBeVisible();
  });

  it("makes drafts of an agent’s own of them, which it says before", async () => {
    const app = as("user-3", { own: 3, homes: 5 });
    const page = open("/listings/import", app);
    expect(await screen.findByText(/New ones become drafts of yours; you complete/)).toBeVisible();
    await choose(page, file("MLS #,Address\nA-77,9 Oak Ave\n"));
    await page.user.click(await screen.findByRole("button", { name: "Import 1 listing" }));
    expect(await screen.findByText(/^Imported:/)).toBeVisible();
    expect(home(app, "A-77")?.list_agent_id).toBe("user-3");
  });

  it("makes drafts of the office of a manager’s, which it says before", async () => {
    const app = as("user-2", { own: 3, homes: 5 });
    const page = open("/listings/import", app);
    expect(await screen.findByText(/New ones become drafts of your office, or of the agent/)).toBeVisible();
    await choose(page, file("MLS #,Address\nA-77,9 Oak Ave\n"));
    const button = await screen.findByRole("button", { name: "Import 1 listing" });
    expect(screen.getByRole("region", { name: "Result" })).toHaveTextContent(
      "Each becomes a draft of your office, or of the agent whom a column names. One without an agent cannot be published",
    );
    await page.user.click(button);
    expect(await screen.findByText(/^Imported:/)).toBeVisible();
    expect(home(app, "A-77")).toMatchObject({ list_agent_id: null, list_office_id: "office-north" });
  });

  it("is seen in a listing that was looked at before", async () => {
    const app = ours();
    const page = open("/listings/own-active", app);
    await screen.findByRole("heading", { level: 1 });
    await page.router.navigate("/listings/import");
    await choose(page, file("MLS #,List price\n1002,123456\n"));
    await page.user.click(await screen.findByRole("button", { name: "Import 1 listing" }));
    await screen.findByText(/^Imported:/);
    await page.router.navigate("/listings/own-active");
    expect((await screen.findAllByText(/\$123,456/))[0]).toBeVisible();
  });

  it("that is under way says so in its own words, and goes on after a reload", async () => {
    const page = await judged();
    page.app.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.click(button("Import 4 listings"));
    await screen.findByText(/^Your listings are being imported\./);
    document.body.replaceChildren();
    open("/listings/imports/import-1", page.app);
    expect(await screen.findByText(/^Your listings are being imported\./)).toBeVisible();
    page.app.jobs.reach(1);
    page.app.jobs.cancel();
    expect(await screen.findByText(/^Imported in part: 0 added, 1 updated. 3 rows were not imported./)).toBeVisible();
    const note = screen.getByRole("note");
    expect(note).toHaveTextContent(
      "listings whose ID is in the file are known then, but rows without a listing ID would come in twice.",
    );
    expect(within(note).getByRole("link")).toHaveAttribute("href", "/listings/import");
  });

  it("is undone, but for what somebody has worked on since", async () => {
    const page = await imported();
    const { app } = page;
    const before = app.homes.length;
    app.editing.changeBy("Arthur Agent", home(app, "1002")?.id ?? "", { city: "Nevada" });
    await page.user.click(button("Undo import…"));
    const dialog = await screen.findByRole("dialog", { name: "Undo this import?" });
    expect(dialog).toHaveTextContent("2 listings that it added are removed.");
    expect(dialog).toHaveTextContent("2 listings that it updated are as they were before.");
    expect(dialog).toHaveTextContent(
      "a listing that was changed, published or given photos stays as it is, and is counted.",
    );
    await page.user.click(within(dialog).getByRole("button", { name: "Undo import" }));
    expect(
      await screen.findByText(
        "The import is undone: 3 listings are as before. 1 listing was kept, because somebody has worked on it since.",
      ),
    ).toBeVisible();
    expect(app.homes).toHaveLength(before - 2);
    expect(home(app, "1002")?.city).toBe("Nevada");
    expect(home(app, "1001")?.unparsed_address).not.toBe("12 Elm St");
  });

  it("is listed apart from those of contacts", async () => {
    const page = await judged();
    await page.router.navigate("/listings/import");
    const list = await screen.findByRole("list", { name: "Former imports" });
    expect(list).toHaveTextContent("2 new, 2 to be updated, 2 faulty");
    expect(within(list).getByRole("link", { name: "homes.csv" })).toHaveAttribute("href", "/listings/imports/import-1");
    const arrive = page.app.hold("/api/v1/people-imports");
    await page.router.navigate("/contacts/import");
    await screen.findByRole("heading", { level: 1, name: "Import contacts" });
    expect(screen.queryByRole("link", { name: "homes.csv" })).toBeNull();
    arrive();
    expect(await screen.findByText("None in the last week.")).toBeVisible();
  });

  it("leaves axe nothing to find, checked, imported and about to be undone", async () => {
    const page = await judged();
    await screen.findByRole("table");
    expect(await violations()).toEqual([]);
    await page.user.selectOptions(screen.getByLabelText("“Beds” is"), "Left out");
    expect(await violations()).toEqual([]);
    await page.user.click(button("Reset"));
    await page.user.click(button("Import 4 listings"));
    await page.user.click(await screen.findByRole("button", { name: "Undo import…" }));
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
  });
});
