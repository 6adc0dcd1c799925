import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { problem } from "@/testing/fake-app";
import { as, checked, choose, csv, figures } from "@/testing/imports";
import { open } from "@/testing/open";

const result = () => screen.findByRole("region", { name: "Result" });

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

describe("the figures", () => {
  it("promise of known contacts what an import does with them, and of new ones whom it looked among", async () => {
    await checked();
    const shown = await result();
    expect(shown).toHaveTextContent("Nobody whom you see has the address or number yet");
    expect(shown).toHaveTextContent(
      "Known; addresses, numbers and tags are added, an agent where there is none. Name, source and stage stay",
    );
    expect(shown).toHaveTextContent("Known; nothing to add");
    expect(shown).not.toHaveTextContent("filled in");
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
      "6Name–A new contact needs a name.Name",
      "7Emailbert at mailThis is not a mail address.Email: bert at mail",
    ]);
    const link = screen.getByRole("link", { name: "Download 2 rows" });
    expect(link).toHaveAttribute("href", "/api/v1/people-imports/import-1/errors.csv");
    expect(link).toHaveAttribute("download");
  });

  it("that come a second time are told by what says so", async () => {
    await checked(
      as("user-1"),
      csv("Name,Email\nNina New,nina@mail.example\nNina,n@mail.example; nina@mail.example\n"),
    );
    const table = await screen.findByRole("table", { name: "1 faulty row" });
    expect(within(table).getAllByRole("row")[1]).toHaveTextContent(
      "3Emailnina@mail.exampleRow 2 is about the same contact.",
    );
  });

  it("are told apart where two are alike", async () => {
    const complaints = vi.spyOn(console, "error");
    await checked(as("user-1"), csv("Name,Email\nBad Bert,none; none\nNina New,nina@mail.example\n"));
    const table = await screen.findByRole("table", { name: "1 faulty row" });
    expect(within(table).getAllByRole("row")).toHaveLength(3);
    expect(complaints.mock.calls).toEqual([]);
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
    expect(await figures()).toEqual(["Added 0", "Completed 0", "Unchanged 1", "Left out 2"]);
    page.app.bulk.jobs.reach(2);
    await waitFor(() =>
      expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuetext", "2 of 3 rows imported"),
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
    const release = page.app.hold("/api/v1/people-imports/import-1/application");
    const button = screen.getByRole("button", { name: "Import 3 contacts" });
    await page.user.dblClick(button);
    release();
    await screen.findByText(/^Imported:/);
    expect(page.app.log.filter((line) => line.includes("/application"))).toHaveLength(1);
  });

  it("refused says why and shows how it stands", async () => {
    const page = await checked();
    page.app.failures.set("/api/v1/people-imports/import-1/application", () =>
      problem(403, "Not allowed", { detail: "You may not add contacts any more." }),
    );
    await page.user.click(screen.getByRole("button", { name: "Import 3 contacts" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("You may not add contacts any more.");
  });
});
