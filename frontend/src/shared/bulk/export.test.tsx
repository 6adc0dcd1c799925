import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

/** Addresses of what the browser was told to save. */
let saved: string[];
beforeEach(() => {
  saved = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function save(this: HTMLAnchorElement) {
    if (this.hasAttribute("download")) saved.push(this.getAttribute("href") ?? "");
  });
});

const as = (id: string) => {
  const app = new FakeApp();
  app.signIn(id);
  return app;
};

const slow = () => {
  const app = as("user-1");
  app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
  return app;
};

async function ask(page: ReturnType<typeof open>, format: string) {
  await page.user.click(await screen.findByRole("button", { name: /xport$/ }));
  await page.user.click(await screen.findByRole("menuitem", { name: `Export as ${format}` }));
}

const begun = ({ log }: FakeApp) => log.filter((line) => line.startsWith("POST /api/v1/people-exports"));

describe("the export of contacts", () => {
  it("holds what the filters show, follows the work and saves the file once", async () => {
    const page = open("/contacts?q=canary&stage=stage-0&assignee=user-3&sort=name", slow());
    await ask(page, "CSV");
    expect(await screen.findByText("Your file is being made.")).toBeVisible();
    expect(begun(page.app)).toEqual([
      "POST /api/v1/people-exports?q=canary&assigned_to=user-3&stage_id=stage-0&format=csv",
    ]);
    expect(await screen.findByRole("progressbar", { name: "Export of contacts" })).toHaveAttribute(
      "aria-valuetext",
      "0 of 1 contacts",
    );
    page.app.bulk.jobs.finish();
    expect(await screen.findByText("1 contact is in the file.")).toBeVisible();
    expect(saved).toEqual(["/api/v1/people-exports/1"]);
    expect(screen.getByRole("link", { name: "Save the file again" })).toHaveAttribute(
      "href",
      "/api/v1/people-exports/1",
    );
  });

  it.each([
    ["Excel", "xlsx"],
    ["JSON lines", "jsonl"],
  ])("comes as %s, too", async (name, format) => {
    const page = open("/contacts");
    await ask(page, name);
    expect(await screen.findByText("63 contacts are in the file.")).toBeVisible();
    expect(begun(page.app)).toEqual([`POST /api/v1/people-exports?format=${format}`]);
  });

  it("goes on while other pages are open, and after a reload", async () => {
    const app = slow();
    const page = open("/contacts", app);
    await ask(page, "CSV");
    await screen.findByText("Your file is being made.");
    await page.user.click(screen.getByRole("link", { name: "Tasks" }));
    await screen.findByRole("heading", { level: 1, name: "Tasks" });
    await page.user.click(screen.getByRole("link", { name: "List" }));
    expect(await screen.findByText("Your file is being made.")).toBeVisible();
    document.body.replaceChildren();
    open("/contacts", app);
    expect(await screen.findByText("Your file is being made.")).toBeVisible();
    expect(saved).toEqual([]);
    app.bulk.jobs.finish();
    await waitFor(() => expect(saved).toHaveLength(1));
  });

  it("of somebody else is not shown", async () => {
    const app = slow();
    app.bulk.jobs.start("crm.export_people", 63, () => null).actor = "user-3";
    open("/contacts", app);
    await screen.findByRole("list", { name: "Contacts" });
    await waitFor(() => expect(app.log.some((line) => line.startsWith("GET /api/v1/jobs"))).toBe(true));
    expect(screen.queryByRole("region", { name: "Export" })).toBeNull();
  });

  it("that could not begin says why, and the line can be closed", async () => {
    const app = as("user-1");
    const title = "Not available";
    app.failures.set("/api/v1/people-exports", () =>
      problem(429, title, { detail: "Too many requests; wait a little." }),
    );
    const page = open("/contacts", app);
    await ask(page, "CSV");
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The export could not begin. Too many requests; wait a little.",
    );
    await page.user.click(screen.getByRole("button", { name: "Close" }));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("that broke off says why", async () => {
    const page = open("/contacts", slow());
    await ask(page, "CSV");
    await screen.findByText("Your file is being made.");
    page.app.bulk.jobs.fail("The object storage is away.");
    expect(await screen.findByRole("alert")).toHaveTextContent("The object storage is away. Try the export again.");
    expect(saved).toEqual([]);
  });

  it("is all that the menu has for who may not add contacts", async () => {
    const app = as("user-3");
    Object.assign(app.people.users.find(({ id }) => id === "user-3") ?? {}, { role: "coordinator" });
    app.signIn("user-3");
    const page = open("/contacts", app);
    await page.user.click(await screen.findByRole("button", { name: "Export" }));
    expect((await screen.findAllByRole("menuitem")).map(({ textContent }) => textContent)).toEqual([
      "Export as CSV",
      "Export as Excel",
      "Export as JSON lines",
    ]);
  });

  it("shares its menu with the way to imports", async () => {
    const page = open("/contacts");
    await page.user.click(await screen.findByRole("button", { name: "Import and export" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Import contacts" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Import contacts" })).toBeVisible();
  });
});
