import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { problem } from "@/testing/fake-app";
import { makeDraft } from "@/testing/homes";
import { as } from "@/testing/imports";
import { open } from "@/testing/open";
import { violations } from "@/testing/violations";

/** Addresses of what the browser was told to save. */
let saved: string[];
beforeEach(() => {
  saved = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function save(this: HTMLAnchorElement) {
    if (this.hasAttribute("download")) saved.push(this.getAttribute("href") ?? "");
  });
});

/** A draft, an active listing and a pending one. */
const ours = () => as("user-1", { own: 3, homes: 5 });
/** More than a page. */
function many() {
  const app = ours();
  app.homes.push(...Array.from({ length: 60 }, (_, index) => makeDraft(`more-${index}`, {})));
  return app;
}
const begun = ({ log }: ReturnType<typeof ours>) =>
  log.filter((line) => line.startsWith("POST /api/v1/property-exports"));

async function ask(page: ReturnType<typeof open>, format: string) {
  await page.user.click(await screen.findByRole("button", { name: "Import and export" }));
  await page.user.click(await screen.findByRole("menuitem", { name: `Export as ${format}` }));
}

describe("one's own listings", () => {
  it("are narrowed to a status, which stands in the address", async () => {
    const page = open("/listings/mine", ours());
    expect(await screen.findByRole("region", { name: /^Drafts/ })).toBeVisible();
    await page.user.selectOptions(screen.getByLabelText("Status"), "Active");
    await waitFor(() => expect(screen.queryByRole("region", { name: /^Drafts/ })).toBeNull());
    const others = screen.getByRole("region", { name: /^On and off the market/ });
    expect(within(others).getAllByRole("listitem")).toHaveLength(1);
    expect(page.address()).toBe("/listings/mine?status=Active");
    expect(page.app.log).toContain("GET /api/v1/properties?mine=true&status=Active&limit=48");
    await page.user.selectOptions(screen.getByLabelText("Status"), "Any status");
    expect(await screen.findByRole("region", { name: /^Drafts/ })).toBeVisible();
    expect(page.address()).toBe("/listings/mine");
  });

  it("of a status that was left are marked, and no more of them offered, until the others are here", async () => {
    const page = open("/listings/mine", many());
    const drafts = await screen.findByRole("region", { name: /^Drafts/ });
    expect(screen.getByText("48 of 63 shown")).toBeVisible();
    const arrive = page.app.hold("/api/v1/properties");
    await page.user.selectOptions(screen.getByLabelText("Status"), "Active");
    expect(drafts).toBeVisible();
    expect(drafts.closest("[aria-busy=true]")).toHaveClass("opacity-60");
    expect(screen.queryByRole("button", { name: "Load more" })).toBeNull();
    expect(screen.queryByText(/ shown$/)).toBeNull();
    expect(screen.getByRole("status")).toBeEmptyDOMElement();
    arrive();
    await waitFor(() => expect(screen.getByRole("status")).toHaveTextContent("1 listing"));
    const others = screen.getByRole("region", { name: /^On and off the market/ });
    expect(others.closest("[aria-busy=true]")).toBeNull();
  });

  it("come page by page, and again where a page could not be loaded", async () => {
    const page = open("/listings/mine", many());
    const more = await screen.findByRole("button", { name: "Load more" });
    page.app.failures.set("/api/v1/properties", () => problem(503, "Away"));
    await page.user.click(more);
    expect(await screen.findByText("The next listings could not be loaded.")).toBeVisible();
    page.app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.getAllByRole("listitem").length).toBeGreaterThanOrEqual(63));
    expect(screen.queryByRole("button", { name: "Load more" })).toBeNull();
  });

  it("of a status that none has are said not to be there, and shown all again", async () => {
    const page = open("/listings/mine?status=Closed", ours());
    expect(await screen.findByText("No listing of yours has this status")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Show all of them" }));
    expect(await screen.findByRole("region", { name: /^Drafts/ })).toBeVisible();
  });

  it("of a status that there is not are all of them", async () => {
    const page = open("/listings/mine?status=Sold", ours());
    expect(await screen.findByRole("region", { name: /^Drafts/ })).toBeVisible();
    expect(page.app.log).toContain("GET /api/v1/properties?mine=true&limit=48");
  });
});

describe("the export of listings", () => {
  it("holds those that the list shows, and saves the file once", async () => {
    const app = ours();
    app.jobs.takes = Number.POSITIVE_INFINITY;
    const page = open("/listings/mine?status=Incomplete", app);
    await ask(page, "CSV");
    expect(await screen.findByText("Your file is being made.")).toBeVisible();
    expect(begun(app)).toEqual(["POST /api/v1/property-exports?status=Incomplete&format=csv"]);
    expect(await screen.findByRole("progressbar", { name: "Export of listings" })).toHaveAttribute(
      "aria-valuetext",
      "0 of 1 listings",
    );
    app.jobs.finish();
    expect(await screen.findByText("1 listing is in the file.")).toBeVisible();
    expect(saved).toEqual(["/api/v1/property-exports/1"]);
  });

  it("is not that of contacts: each goes on by itself", async () => {
    const app = ours();
    app.jobs.takes = Number.POSITIVE_INFINITY;
    const page = open("/listings/mine", app);
    await ask(page, "Excel");
    await screen.findByText("Your file is being made.");
    expect(begun(app)).toEqual(["POST /api/v1/property-exports?format=xlsx"]);
    await page.router.navigate("/contacts");
    await screen.findByRole("list", { name: "Contacts" });
    expect(screen.queryByRole("region", { name: "Export" })).toBeNull();
    document.body.replaceChildren();
    open("/listings/mine", app);
    expect(await screen.findByText("Your file is being made.")).toBeVisible();
    app.jobs.finish();
    await waitFor(() => expect(saved).toEqual(["/api/v1/property-exports/1"]));
  });

  it("leaves axe nothing to find on its page, while it is under way", async () => {
    const app = ours();
    app.jobs.takes = Number.POSITIVE_INFINITY;
    const page = open("/listings/mine", app);
    await ask(page, "CSV");
    await screen.findByRole("progressbar");
    expect(await violations()).toEqual([]);
  });
});
