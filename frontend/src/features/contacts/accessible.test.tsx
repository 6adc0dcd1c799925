import { fireEvent, screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";
import { violations } from "@/testing/violations";

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

describe("axe finds nothing", () => {
  it("on the list of contacts, nor on the form of a new one", async () => {
    const page = open("/contacts?tag=Investor");
    await screen.findByRole("list", { name: "Contacts" });
    expect(await violations()).toEqual([]);
    await page.user.click(screen.getByRole("button", { name: "New contact" }));
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
  });

  it("on the board, with a menu open", async () => {
    const page = open("/contacts/board");
    await page.user.click(await screen.findByRole("button", { name: "Move Carla Canary to…" }));
    await screen.findByRole("menuitem", { name: "Pending" });
    expect(await violations()).toEqual([]);
  });

  it("on a contact and on its forms", async () => {
    const page = open("/contacts/contact-1");
    await screen.findByRole("list", { name: "Timeline" });
    for (const name of ["Add task", "Add note", "Log activity", "Assign…"]) {
      await page.user.click(screen.getByRole("button", { name }));
      await screen.findByRole("dialog");
      expect(await violations()).toEqual([]);
      await page.user.click(screen.getByRole("button", { name: "Cancel" }));
    }
    await page.user.click(
      within(screen.getByRole("region", { name: "Details" })).getByRole("button", { name: /^Edit/ }),
    );
    expect(await violations()).toEqual([]);
  });

  it("on a contact who waits to be claimed", async () => {
    open("/contacts/contact-2", as("user-3"));
    await screen.findByRole("button", { name: "Claim" });
    expect(await violations()).toEqual([]);
  });

  it("on the inbox", async () => {
    open("/inbox");
    await screen.findByRole("list", { name: "Leads" });
    expect(await violations()).toEqual([]);
  });

  it("on the tasks", async () => {
    open("/tasks?owner=all");
    await screen.findByRole("list", { name: "Tasks" });
    expect(await violations()).toEqual([]);
  });

  it("on the stages and the question before one goes", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Remove Lead" }));
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
  });

  it("on the start of an import, with a refused file", async () => {
    open("/contacts/import");
    await screen.findByText("None in the last week.");
    expect(await violations()).toEqual([]);
    fireEvent.change(screen.getByLabelText("File to import"), { target: { files: [new File(["x"], "old.xls")] } });
    await screen.findByRole("alert");
    expect(await violations()).toEqual([]);
  });

  it("on an import that is checked, imported and about to be undone, nor on the list of them", async () => {
    const page = open("/contacts/import");
    await screen.findByText("None in the last week.");
    const file = new File(["Name,Email\nNina New,nina@mail.example\n,nobody@mail.example\n"], "contacts.csv");
    fireEvent.change(screen.getByLabelText("File to import"), { target: { files: [file] } });
    await screen.findByRole("table", { name: "1 faulty row" });
    expect(await violations()).toEqual([]);
    await page.user.click(screen.getByRole("button", { name: "Import 1 contact" }));
    await page.user.click(await screen.findByRole("button", { name: "Undo import…" }));
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
    await page.user.click(screen.getByRole("button", { name: "Cancel" }));
    await page.user.click(screen.getByRole("link", { name: "All imports" }));
    await screen.findByRole("list", { name: "Former imports" });
    expect(await violations()).toEqual([]);
  });

  it("on an import that is under way", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    open("/contacts/import", app);
    await screen.findByRole("button", { name: "Choose a file" });
    const file = new File(["Name\nNina New\n"], "contacts.csv");
    fireEvent.change(screen.getByLabelText("File to import"), { target: { files: [file] } });
    await screen.findByRole("progressbar");
    expect(await violations()).toEqual([]);
  });

  it("on the menu of imports and exports, and on an export under way", async () => {
    const app = as("user-1");
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    const page = open("/contacts", app);
    await page.user.click(await screen.findByRole("button", { name: "Import and export" }));
    await screen.findByRole("menu");
    expect(await violations()).toEqual([]);
    await page.user.click(screen.getByRole("menuitem", { name: "Export as CSV" }));
    await screen.findByRole("progressbar");
    expect(await violations()).toEqual([]);
  });

  it("on the form of visitors with everything missing", async () => {
    const page = open("/inquire/home-1", new FakeApp());
    await page.user.click(await screen.findByRole("button", { name: "Send" }));
    await screen.findByRole("alert");
    expect(await violations()).toEqual([]);
  });
});
