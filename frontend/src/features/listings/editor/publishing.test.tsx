import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const ours = () => new FakeApp({ own: 3, signedIn: true });
const box = (name: string | RegExp) => screen.getByLabelText(name);

describe("my listings", () => {
  it("are reached from all listings, drafts first, each with its status", async () => {
    const page = open("/listings", ours());
    await page.user.click(await screen.findByRole("link", { name: "My listings" }));
    const drafts = await screen.findByRole("region", { name: /^Drafts/ });
    expect(within(drafts).getAllByRole("listitem")).toHaveLength(1);
    expect(drafts).toHaveTextContent("Draft");
    const others = screen.getByRole("region", { name: /^On and off the market/ });
    expect(
      within(others)
        .getAllByRole("link")
        .map((link) => link.getAttribute("href")),
    ).toEqual(["/listings/own-active/edit", "/listings/own-pending/edit"]);
  });

  it("say what to do when there is none, and start one", async () => {
    const page = open("/listings/mine");
    await page.user.click(await screen.findByRole("button", { name: "Start your first listing" }));
    expect(await screen.findByRole("heading", { level: 1, name: "New listing" })).toHaveFocus();
    expect(page.address()).toMatch(/^\/listings\/own-\d+\/edit$/);
  });

  it("are no part of a coordinator's work", async () => {
    const app = ours();
    if (app.session) app.session.can = [];
    open("/listings", app);
    await screen.findAllByRole("article");
    expect(screen.queryByRole("link", { name: "My listings" })).toBeNull();
    expect(screen.queryByRole("button", { name: "New listing" })).toBeNull();
  });
});

describe("publishing", () => {
  it("names what the draft lacks, leads there, and makes it found", async () => {
    const page = open("/listings/mine");
    await page.user.click(await screen.findByRole("button", { name: "Start your first listing" }));
    await page.user.click(await screen.findByRole("button", { name: "Publish" }));
    const dialog = screen.getByRole("dialog", { name: "Publish" });
    await page.user.click(within(dialog).getByRole("button", { name: "Publish" }));
    expect(await within(dialog).findByText("The listing lacks something for this:")).toBeVisible();
    await page.user.click(within(dialog).getByRole("button", { name: "Street address" }));
    await waitFor(() => expect(box("Street address")).toHaveFocus());
    expect(box("Street address")).toHaveAccessibleDescription(/A published listing has a street address/);
    await page.user.keyboard("1 Canary Lane");
    await page.user.type(box("City"), "Ames");
    await page.user.type(box("List price"), "450,000");
    await page.user.selectOptions(box("Property type"), "Residential");
    await page.user.click(screen.getByRole("button", { name: "Publish" }));
    await page.user.click(within(screen.getByRole("dialog")).getByRole("button", { name: "Publish" }));
    expect(await screen.findByText("New Listing")).toBeVisible();
    expect(screen.queryByRole("button", { name: "Publish" })).toBeNull();
    await page.router.navigate("/listings?q=canary");
    expect(await screen.findByRole("link", { name: "1 Canary Lane" })).toBeVisible();
  });
});

describe("the status menu", () => {
  const menu = async (id: string) => {
    const page = open(`/listings/${id}/edit`, ours());
    await page.user.click(await screen.findByRole("button", { name: "Change status" }));
    return page;
  };

  it("offers only the moves that the server allows", async () => {
    await menu("own-pending");
    expect(screen.getByLabelText("Listing agent")).toHaveValue("user-1");
    const items = screen.getAllByRole("menuitem").map((item) => item.textContent);
    expect(items).toEqual(["Close the sale", "Back to Active"]);
  });

  it("asks for price and day of a closing, and tells the history", async () => {
    const page = await menu("own-pending");
    await page.user.click(screen.getByRole("menuitem", { name: "Close the sale" }));
    const dialog = await screen.findByRole("dialog", { name: "Close the sale" });
    await page.user.click(within(dialog).getByRole("button", { name: "Close the sale" }));
    expect(within(dialog).getByLabelText("Close price")).toBeInvalid();
    await page.user.type(within(dialog).getByLabelText("Close price"), "440,000");
    await page.user.type(within(dialog).getByLabelText("Reason (optional)"), "Paid in full");
    await page.user.click(within(dialog).getByRole("button", { name: "Close the sale" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(page.app.editing.home("own-pending").close_price).toEqual({ amount: 44_000_000, currency: "USD" });
    expect(await screen.findByText("“Paid in full”", { exact: false, selector: "li:first-child p" })).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Change status" }));
    expect(screen.getByRole("menuitem", { name: "Correct the closing" })).toBeVisible();
  });

  it("lets me look again when another has changed the listing just before", async () => {
    const page = await menu("own-active");
    page.app.editing.changeBy("Ben Agent", "own-active", { city: "Boone" });
    await page.user.click(screen.getByRole("menuitem", { name: "Put on hold" }));
    const dialog = await screen.findByRole("dialog", { name: "Put on hold" });
    await page.user.click(within(dialog).getByRole("button", { name: "Put on hold" }));
    expect(await within(dialog).findByText(/^Ben Agent changed this listing just now/)).toBeVisible();
    expect(page.app.editing.home("own-active").standard_status).toBe("Active");
    await page.user.click(within(dialog).getByRole("button", { name: "Put on hold" }));
    await waitFor(() => expect(page.app.editing.home("own-active").standard_status).toBe("Hold"));
  });

  it("sends what was edited before it moves the status", async () => {
    const page = open("/listings/own-active/edit", ours());
    await page.user.type(await screen.findByLabelText("City"), "!");
    await page.user.click(screen.getByRole("button", { name: "Change status" }));
    await page.user.click(screen.getByRole("menuitem", { name: "Withdraw" }));
    const dialog = await screen.findByRole("dialog", { name: "Withdraw" });
    await page.user.click(within(dialog).getByRole("button", { name: "Withdraw" }));
    await waitFor(() => expect(page.app.editing.home("own-active").standard_status).toBe("Withdrawn"));
    expect(page.app.editing.home("own-active").city).toBe("Ames!");
  });
});

it("a draft is deleted from the menu, and one is back at one's listings", async () => {
  const page = open("/listings/own-draft/edit", ours());
  await page.user.click(await screen.findByRole("button", { name: "Other changes of status" }));
  await page.user.click(screen.getByRole("menuitem", { name: "Delete the draft" }));
  const dialog = await screen.findByRole("dialog", { name: "Delete the draft" });
  await page.user.click(within(dialog).getByRole("button", { name: "Delete the draft" }));
  expect(await screen.findByRole("heading", { level: 1, name: "My listings" })).toBeVisible();
  expect(screen.queryByRole("region", { name: /^Drafts/ })).toBeNull();
});

describe("a listing's page", () => {
  it("leads its editors to the editor and names the brokerage as its source", async () => {
    open("/listings/own-active", ours());
    expect(await screen.findByRole("link", { name: "Edit" })).toHaveAttribute("href", "/listings/own-active/edit");
    expect(screen.getByText(/^A listing of Acme Realty, last changed/)).toBeVisible();
  });

  it("offers no editing of a feed's listing", async () => {
    open("/listings/home-1", ours());
    await screen.findByText(/Source: Ames Sample MLS/);
    expect(screen.queryByRole("link", { name: "Edit" })).toBeNull();
  });

  it("tells price and status over time, as a line and as a table", async () => {
    const app = ours();
    app.editing.changeBy("Ben Agent", "own-active", { list_price: { amount: 45_000_000, currency: "USD" } });
    app.editing.changeBy("Ben Agent", "own-active", { list_price: { amount: 44_000_000, currency: "USD" } });
    const page = open("/listings/own-active", app);
    const history = await screen.findByRole("region", { name: "Price and status history" });
    await waitFor(() => expect(within(history).getAllByText("Price Change")).toHaveLength(2));
    expect(history).toHaveTextContent("$450,000$440,000");
    await page.user.click(within(history).getByText("As a table"));
    const table = within(history).getByRole("table", { name: "List price over time" });
    expect(within(table).getAllByRole("row")[1]).toHaveTextContent("$440,000");
  });
});

describe("results that are open elsewhere", () => {
  it("show a saved change by themselves, and keep the focus where it is", async () => {
    const page = open("/listings?sort=list_price", ours());
    await page.user.click(await screen.findByLabelText("Search listings"));
    page.app.editing.changeBy("Ben Agent", "own-active", {
      list_price: { amount: 100, currency: "USD" },
      unparsed_address: "1 Canary Lane, Ames",
    });
    expect(await screen.findByRole("link", { name: "1 Canary Lane" })).toBeVisible();
    expect(screen.getByLabelText("Search listings")).toHaveFocus();
  });
});
