import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { problem } from "@/testing/fake-app";
import { as, checked, choose, csv, TABLE } from "@/testing/imports";
import { open } from "@/testing/open";

describe("choosing a file", () => {
  it("is sent as it is and becomes an import with a page of its own", async () => {
    const page = await choose(open("/contacts/import"), csv());
    expect(await screen.findByRole("heading", { level: 1, name: "Import of contacts.csv" })).toBeVisible();
    expect(page.address()).toBe("/contacts/imports/import-1");
    expect(page.app.log).toContain("POST /api/v1/people-imports?file_name=contacts.csv");
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
    const page = open("/contacts/import", app);
    await screen.findByText("None in the last week.");
    app.failures.set("/api/v1/people-imports", () => problem(413, "Content too large"));
    await choose(page, csv());
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

  it("of others can be looked at by owners, who cannot go on with them", async () => {
    const page = await checked(as("user-3"));
    page.app.signIn("user-1");
    document.body.replaceChildren();
    open("/contacts/imports/import-1", page.app);
    expect(await screen.findByText("Only Arthur Agent, who brought the file, can import it.")).toBeVisible();
    expect(screen.queryByRole("button", { name: /^Import/ })).toBeNull();
    expect(screen.getByRole("region", { name: "Columns" })).toHaveTextContent("NameNina New");
    expect(screen.queryByLabelText("“Name” is")).toBeNull();
  });

  it("say that there are none, or that they could not be loaded", async () => {
    const app = as("user-1");
    const page = open("/contacts/import", app);
    expect(await screen.findByText("None in the last week.")).toBeVisible();
    app.failures.set("/api/v1/people-imports", () => problem(503, "Database down"));
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
