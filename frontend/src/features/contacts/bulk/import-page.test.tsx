import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const TABLE = `Name,Email,Phone,Tags,Remark
Nina New,nina@mail.example,515 555 0111,,likes gardens
Nick New,nick@mail.example,,,
Carla Canary,carla@mail.example,,Seller,
Wanda Waiting,wanda@mail.example,,,
,nobody@mail.example,,,
Bad Bert,bert at mail,,,
`;

const csv = (text = TABLE, name = "contacts.csv") => new File([text], name, { type: "text/csv" });

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

async function choose(page: ReturnType<typeof open>, ...files: File[]) {
  await screen.findByRole("button", { name: /^Choose a/ });
  fireEvent.change(screen.getByLabelText("File to import"), { target: { files } });
  return page;
}

const result = () => screen.findByRole("region", { name: "Result" });
const figures = async () =>
  within(await result())
    .getAllByRole("term")
    .map((term) => `${term.textContent} ${term.parentElement?.querySelector("dd")?.textContent}`);

/** A page on which a file has been checked. */
async function checked(app = as("user-1"), file = csv()) {
  const page = await choose(open("/contacts/import", app), file);
  await screen.findByRole("button", { name: /^Import / });
  return page;
}

describe("choosing a file", () => {
  it("is sent as it is and becomes an import with a page of its own", async () => {
    const page = await choose(open("/contacts/import"), csv());
    expect(await screen.findByRole("heading", { level: 1, name: "Import of contacts.csv" })).toBeVisible();
    expect(page.address()).toBe("/contacts/imports/import-1");
    expect(page.app.log).toContain("POST /api/v1/people/imports?file_name=contacts.csv");
  });

  it("by dropping it does the same", async () => {
    const page = open("/contacts/import");
    await screen.findByRole("button", { name: "Choose a file" });
    const zone = document.querySelector("[data-drop-zone]") as HTMLElement;
    fireEvent.drop(zone, { dataTransfer: { files: [csv()], types: ["Files"] } });
    await waitFor(() => expect(page.address()).toBe("/contacts/imports/import-1"));
  });

  it.each([
    ["old.xls", "Save it as an Excel workbook (.xlsx)"],
    ["photo.jpg", "Choose a CSV file"],
  ])("that cannot be read (%s) is refused at once, with what to do", async (name, advice) => {
    const page = await choose(open("/contacts/import"), csv("x", name));
    expect(await screen.findByRole("alert")).toHaveTextContent(advice);
    expect(page.app.log.some((line) => line.startsWith("POST"))).toBe(false);
    expect(screen.getByRole("button", { name: "Choose another file" })).toBeVisible();
  });

  it("that is too large is refused at once, with what to do", async () => {
    const large = csv();
    Object.defineProperty(large, "size", { value: 11 * 1024 * 1024 });
    const page = await choose(open("/contacts/import"), large);
    expect(await screen.findByRole("alert")).toHaveTextContent("contacts.csv: The file has 11 MB.");
    expect(page.app.log.some((line) => line.startsWith("POST"))).toBe(false);
  });

  it("of which there are two is refused: one at a time", async () => {
    await choose(open("/contacts/import"), csv(), csv(TABLE, "more.csv"));
    expect(await screen.findByRole("alert")).toHaveTextContent("One file at a time");
  });

  it("that did not get there is sent again on demand, and is one import", async () => {
    const app = as("user-1");
    const page = open("/contacts/import", app);
    await screen.findByText("None in the last week.");
    app.losesAnswers = true;
    await choose(page, csv());
    expect(await screen.findByRole("alert")).toHaveTextContent("The server could not be reached");
    app.losesAnswers = false;
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByRole("heading", { level: 1, name: "Import of contacts.csv" });
    expect(app.bulk.kept).toHaveLength(1);
  });

  it("that the server refuses is told in words", async () => {
    const app = as("user-1");
    app.failures.set("/api/v1/people/imports", () => problem(413, "Content too large"));
    await choose(open("/contacts/import", app), csv());
    expect(await screen.findByRole("alert")).toHaveTextContent("The file is too large. 10 MB can be read.");
  });

  it("is not offered to who may not add contacts", async () => {
    const app = as("user-3");
    Object.assign(app.people.users.find(({ id }) => id === "user-3") ?? {}, { role: "coordinator" });
    app.signIn("user-3");
    open("/contacts/import", app);
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
  });
});

describe("the check of a file", () => {
  it("shows how far it is, and then what would happen, while nothing has", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await choose(open("/contacts/import", app), csv());
    const bar = await screen.findByRole("progressbar", { name: "Import of contacts.csv" });
    app.bulk.jobs.reach(2);
    await waitFor(() => expect(bar).toHaveAttribute("aria-valuetext", "2 of 6 rows checked"));
    const before = app.crm.contacts.length;
    app.bulk.jobs.finish();
    expect(
      await screen.findByText(
        /^2 contacts are new, 1 contact is completed, 1 contact stays as it is, and 2 rows are faulty\. Nothing is changed yet\.$/,
      ),
    ).toBeVisible();
    expect(await figures()).toEqual(["New 2", "To be completed 1", "Unchanged 1", "Faulty 2"]);
    expect(app.crm.contacts).toHaveLength(before);
  });

  it("goes on where it was after a reload, at each step", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await choose(open("/contacts/import", app), csv());
    await screen.findByRole("progressbar");
    document.body.replaceChildren();
    const page = open("/contacts/imports/import-1", app);
    expect(await screen.findByText("Your file is being checked. Nothing is changed by that.")).toBeVisible();
    app.bulk.jobs.finish();
    await page.user.click(await screen.findByRole("button", { name: "Import 3 contacts" }));
    await screen.findByText(/^Your contacts are being imported/);
    document.body.replaceChildren();
    open("/contacts/imports/import-1", app);
    expect(await screen.findByText(/^Your contacts are being imported/)).toBeVisible();
    app.bulk.jobs.finish();
    expect(await screen.findByText(/^Imported: 2 added, 1 completed\./)).toBeVisible();
  });

  it("says why the file as a whole cannot be read, and leads to another try", async () => {
    const page = await choose(open("/contacts/import"), csv("%PDF-1.7"));
    expect(await screen.findByRole("alert")).toHaveTextContent("its first row does not name columns");
    await page.user.click(screen.getByRole("link", { name: "Choose another file" }));
    expect(await screen.findByRole("button", { name: "Choose a file" })).toBeVisible();
  });

  it("that broke off says so instead of going on for ever", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await choose(open("/contacts/import", app), csv());
    await screen.findByRole("progressbar");
    app.bulk.jobs.fail("The worker used too much memory.");
    expect(await screen.findByRole("alert")).toHaveTextContent("The worker used too much memory.");
    expect(screen.queryByRole("progressbar")).toBeNull();
  });

  it("tells when it had to guess how letters are written", async () => {
    const app = as("user-1");
    app.bulk.encoding = "cp1252";
    await checked(app);
    expect(screen.getByText(/The letters were read as cp1252/)).toBeVisible();
  });
});

describe("the columns", () => {
  it("are shown with samples and what they are taken for", async () => {
    await checked();
    const columns = screen.getByRole("region", { name: "Columns" });
    expect(within(columns).getByLabelText("“Email” is")).toHaveDisplayValue("Email addresses");
    expect(within(columns).getByLabelText("“Remark” is")).toHaveDisplayValue("Left out");
    expect(columns).toHaveTextContent("Nina New · Nick New · Carla Canary");
  });

  it("chosen anew have the rows checked anew, and the figures stay until then", async () => {
    const page = await checked();
    page.app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.selectOptions(screen.getByLabelText("“Tags” is"), "Left out");
    expect(await screen.findByText("Your file is being checked. Nothing is changed by that.")).toBeVisible();
    expect(screen.getByLabelText("“Tags” is")).toHaveDisplayValue("Left out");
    expect(await figures()).toEqual(["New 2", "To be completed 1", "Unchanged 1", "Faulty 2"]);
    expect(screen.getByRole("region", { name: "2 faulty rows" })).toBeVisible();
    page.app.bulk.jobs.finish();
    await screen.findByRole("button", { name: "Import 2 contacts" });
    expect(await figures()).toEqual(["New 2", "To be completed 0", "Unchanged 2", "Faulty 2"]);
  });

  it("without one that is needed leave nothing to import, and the button says which", async () => {
    const page = await checked();
    await page.user.selectOptions(screen.getByLabelText("“Name” is"), "Left out");
    const button = await screen.findByRole("button", { name: "Import 0 contacts" });
    expect(button).toHaveAttribute("aria-disabled", "true");
    expect(button).toHaveAccessibleDescription("Choose below which column holds the name.");
    await page.user.click(button);
    expect(page.app.log.some((line) => line.includes("/application"))).toBe(false);
  });

  it("that were changed in another window are shown as they are now", async () => {
    const page = await checked();
    const kept = page.app.bulk.kept[0];
    if (kept) Object.assign(kept.shown, { version: kept.shown.version + 1, file_name: "renamed.csv" });
    await page.user.selectOptions(screen.getByLabelText("“Tags” is"), "Left out");
    expect(await screen.findByRole("alert")).toHaveTextContent("changed in another window");
    expect(await screen.findByRole("heading", { level: 1, name: "Import of renamed.csv" })).toBeVisible();
    expect(screen.getByLabelText("“Tags” is")).toHaveDisplayValue("Tags");
  });

  it("refused by the server say why", async () => {
    const page = await checked();
    const errors = [{ pointer: "/mapping/Remark", detail: "Another column fills source." }];
    page.app.failures.set("/api/v1/people/imports/import-1", () =>
      problem(422, "The request is not valid", { errors }),
    );
    await page.user.selectOptions(screen.getByLabelText("“Remark” is"), "Source");
    expect(await screen.findByRole("alert")).toHaveTextContent("Another column fills source.");
  });
});

describe("the faulty rows", () => {
  it("are listed as they are in the file, with what is wrong, and as a file of their own", async () => {
    await checked();
    const table = await screen.findByRole("table", { name: "2 faulty rows" });
    expect(
      within(table)
        .getAllByRole("row")
        .map((row) => row.textContent),
    ).toEqual([
      "RowColumnIn the fileWhat is wrong",
      "6Name–A name is missing.",
      "7Emailbert at mailThis is no mail address.",
    ]);
    const link = screen.getByRole("link", { name: "Download 2 rows" });
    expect(link).toHaveAttribute("href", "/api/v1/people/imports/import-1/errors.csv");
    expect(link).toHaveAttribute("download");
  });

  it("come page by page", async () => {
    const rows = Array.from({ length: 45 }, (_, index) => `,bad${index}@mail.example`);
    const page = await checked(as("user-1"), csv(["Name,Email", ...rows, "Nina New,nina@mail.example"].join("\n")));
    const table = await screen.findByRole("table", { name: "45 faulty rows" });
    await waitFor(() => expect(within(table).getAllByRole("row")).toHaveLength(21));
    await page.user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(within(table).getAllByRole("row")).toHaveLength(41));
    expect(document.activeElement).toHaveTextContent("22");
    expect(screen.getByText("40 of 45 shown")).toBeVisible();
  });

  it("if all are faulty, leave nothing to import, which the button says", async () => {
    await checked(as("user-1"), csv("Name,Email\n,a@mail.example\n"));
    expect(screen.getByRole("button", { name: "Import 0 contacts" })).toHaveAccessibleDescription(
      "Every row is faulty: see below what is wrong.",
    );
  });

  it("if there are none and all is known already, leave nothing to import either", async () => {
    await checked(as("user-1"), csv("Name,Email\nCarla Canary,carla@mail.example\n"));
    expect(screen.getByRole("button", { name: "Import 0 contacts" })).toHaveAccessibleDescription(
      "There is nothing to import: all of this is known already.",
    );
    expect(screen.queryByRole("table")).toBeNull();
  });
});

describe("importing", () => {
  it("adds and completes contacts, leaves the faulty rows out, and leads to the contacts", async () => {
    const page = await checked();
    const button = screen.getByRole("button", { name: "Import 3 contacts" });
    expect(button).toHaveAccessibleDescription("2 faulty rows are left out.");
    page.app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.click(button);
    const status = await screen.findByText(/^Your contacts are being imported/);
    expect(status).toHaveFocus();
    page.app.bulk.jobs.reach(3);
    await waitFor(() =>
      expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "3 of 4 rows imported"),
    );
    page.app.bulk.jobs.finish();
    expect(await screen.findByText("Imported: 2 added, 1 completed. 2 faulty rows were left out.")).toBeVisible();
    expect(await figures()).toEqual(["Added 2", "Completed 1", "Unchanged 1", "Left out 2"]);
    page.app.bulk.jobs.takes = 0;
    await page.user.click(screen.getByRole("link", { name: "See your contacts" }));
    const list = await screen.findByRole("list", { name: "Contacts" });
    expect(await within(list).findByRole("link", { name: "Nina New" })).toBeVisible();
  });

  it("pressed twice is asked once", async () => {
    const page = await checked();
    const release = page.app.hold("/api/v1/people/imports/import-1/application");
    const button = screen.getByRole("button", { name: "Import 3 contacts" });
    await page.user.dblClick(button);
    release();
    await screen.findByText(/^Imported:/);
    expect(page.app.log.filter((line) => line.includes("/application"))).toHaveLength(1);
  });

  it("refused says why and shows how it stands", async () => {
    const page = await checked();
    page.app.failures.set("/api/v1/people/imports/import-1/application", () =>
      problem(403, "Not allowed", { detail: "You may not add contacts any more." }),
    );
    await page.user.click(screen.getByRole("button", { name: "Import 3 contacts" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("You may not add contacts any more.");
  });
});

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
    expect(dialog).toHaveTextContent("1 contact that it completed gets back its former values.");
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

describe("former imports", () => {
  it("are listed with what became of them and open again", async () => {
    const page = await checked();
    await page.user.click(screen.getByRole("link", { name: "All imports" }));
    const list = await screen.findByRole("list", { name: "Former imports" });
    expect(list).toHaveTextContent("contacts.csvNot imported yet");
    expect(list).toHaveTextContent("Olivia Owner · 2 new, 1 to be completed, 2 faulty");
    await page.user.click(within(list).getByRole("link", { name: "contacts.csv" }));
    expect(await screen.findByRole("button", { name: "Import 3 contacts" })).toBeVisible();
  });

  it("say that there are none, or that they could not be loaded", async () => {
    const app = as("user-1");
    const page = open("/contacts/import", app);
    expect(await screen.findByText("None in the last week.")).toBeVisible();
    app.failures.set("/api/v1/people/imports", () => problem(503, "Database down"));
    document.body.replaceChildren();
    open("/contacts/import", app);
    expect(await screen.findByText("Former imports could not be loaded")).toBeVisible();
    expect(page.address()).toBe("/contacts/import");
  });

  it("that are gone or somebody else's are said not to be here", async () => {
    open("/contacts/imports/import-9");
    expect(await screen.findByText("This import is not here")).toBeVisible();
    expect(screen.getByRole("link", { name: "See your imports" })).toHaveAttribute("href", "/contacts/import");
  });
});
