import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const cards = () => screen.findAllByRole("article");
const filters = () => screen.getByRole("complementary", { name: "Filters" });
const heading = (text: string) => screen.findByText(text, { selector: "[role=status]" });

describe("the listings page", () => {
  it("shows each listing's price, status, figures and address", async () => {
    const page = open("/listings");
    const home = page.app.homes[2];
    const card = (await cards())[2] as HTMLElement;
    expect(card).toHaveTextContent("$401,270sold");
    expect(card).toHaveTextContent("Closed");
    expect(card).toHaveTextContent("3,715 sq ft");
    expect(within(card).getByRole("link", { name: "816 Cedar Street" })).toHaveAttribute(
      "href",
      `/listings/${home?.id}`,
    );
    expect(card).toHaveTextContent("Ames, IA 50010 · Townhouse");
    expect(await heading("60 listings")).toBeVisible();
  });

  it("keeps every filter in the address and asks the app the same", async () => {
    const page = open("/listings");
    await cards();
    await page.user.click(within(filters()).getByLabelText("Active"));
    await page.user.click(within(within(filters()).getByRole("group", { name: "Bedrooms" })).getByLabelText(/^2\+/));
    await page.user.type(within(filters()).getByLabelText("Maximum price"), "300000{Enter}");
    await page.user.selectOptions(screen.getByLabelText("Sort by"), "Price, low to high");
    const search = "max_price=300000&min_beds=2&status=Active&sort=list_price";
    await waitFor(() => expect(page.address()).toBe(`/listings?${search}`));
    const asked = await waitFor(() => {
      const last = page.app.log.findLast((line) => line.startsWith("GET /api/v1/properties?")) ?? "";
      expect(last).toContain("sort=list_price");
      return new URL(last.replace("GET ", ""), "https://x").searchParams;
    });
    expect(Object.fromEntries(asked)).toEqual({
      ...Object.fromEntries(new URLSearchParams(search)),
      limit: "24",
      facets: "true",
    });
  });

  it("opens a deep link with its filters set and takes them off one by one", async () => {
    const page = open("/listings?status=Pending&min_baths=2&q=ranch&min_price=abc&sort=sideways");
    await cards();
    expect(within(filters()).getByLabelText("Pending")).toBeChecked();
    expect(screen.getByLabelText("Search listings")).toHaveValue("ranch");
    await page.user.click(screen.getByRole("button", { name: "Remove filter: 2+ baths" }));
    await waitFor(() => expect(page.address()).toBe("/listings?q=ranch&status=Pending"));
    await page.user.click(screen.getByRole("button", { name: "Clear all" }));
    await waitFor(() => expect(page.address()).toBe("/listings?q=ranch"));
  });

  it("undoes a filter with the back button", async () => {
    const page = open("/listings");
    await cards();
    await page.user.click(within(filters()).getByLabelText("Closed"));
    await heading("15 listings");
    await waitFor(() => expect(page.address()).toBe("/listings?status=Closed"));
    await page.router.navigate(-1);
    await heading("60 listings");
    expect(within(filters()).getByLabelText("Closed")).not.toBeChecked();
  });

  it("makes typing in the search box one step of the history", async () => {
    const page = open("/listings");
    await cards();
    await page.user.type(screen.getByLabelText("Search listings"), "birch");
    await waitFor(() => expect(page.address()).toBe("/listings?q=birch"));
    await page.user.type(screen.getByLabelText("Search listings"), "wood");
    await waitFor(() => expect(page.address()).toBe("/listings?q=birchwood"));
    await page.router.navigate(-1);
    await waitFor(() => expect(page.address()).toBe("/listings"));
  });

  it.each([
    ["Search listings", "birch{Enter}", "/listings?q=birch", ""],
    ["Maximum price", "300000{Enter}", "/listings?max_price=300000", ""],
  ])(
    "gives way to the back button while %s has the focus, and leaving it undoes nothing",
    async (name, typed, to, was) => {
      const page = open("/listings");
      await cards();
      const box = screen.getByLabelText(name);
      await page.user.type(box, typed);
      await waitFor(() => expect(page.address()).toBe(to));
      await page.router.navigate(-1);
      await waitFor(() => expect(box).toHaveValue(was));
      expect(box).toHaveFocus();
      await page.user.tab();
      expect(page.address()).toBe("/listings");
      await page.router.navigate(1);
      await waitFor(() => expect(page.address()).toBe(to));
      await waitFor(() => expect(box).not.toHaveValue(was));
    },
  );

  it("takes what was typed last when the box is left before it took effect", async () => {
    const page = open("/listings");
    await cards();
    await page.user.type(screen.getByLabelText("Search listings"), "birch");
    await page.user.click(within(filters()).getByLabelText("Active"));
    await waitFor(() => expect(page.address()).toBe("/listings?q=birch&status=Active"));
  });

  it("makes clearing the search a step of its own, after other filters", async () => {
    const page = open("/listings");
    await cards();
    await page.user.type(screen.getByLabelText("Search listings"), "birch{Enter}");
    await page.user.click(within(filters()).getByLabelText("Active"));
    await waitFor(() => expect(page.address()).toBe("/listings?q=birch&status=Active"));
    await page.user.click(screen.getByRole("button", { name: "Clear search" }));
    await waitFor(() => expect(page.address()).toBe("/listings?status=Active"));
    await page.router.navigate(-1);
    await waitFor(() => expect(page.address()).toBe("/listings?q=birch&status=Active"));
    await waitFor(() => expect(screen.getByLabelText("Search listings")).toHaveValue("birch"));
  });

  it("says that nothing matches and offers to clear the filters", async () => {
    const page = open("/listings?q=castle&min_beds=5");
    expect(await screen.findByRole("heading", { name: "No listings match" })).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Clear the whole search" }));
    expect(await cards()).toHaveLength(24);
    await waitFor(() => expect(page.address()).toBe("/listings"));
    await waitFor(() => expect(screen.getByLabelText("Search listings")).toHaveValue(""));
  });

  it("names the reason when there are no listings at all", async () => {
    open("/listings", new FakeApp({ homes: 0, signedIn: true }));
    expect(await screen.findByRole("heading", { name: "No listings yet" })).toBeVisible();
  });

  it("explains a failure, quotes the request and recovers on another try", async () => {
    const app = new FakeApp({ signedIn: true });
    app.failures.set("/api/v1/properties", () => problem(503, "Database down"));
    const page = open("/listings", app);
    const alert = await screen.findByRole("alert");
    expect(alert).toHaveTextContent("Listings could not be loaded");
    expect(alert).toHaveTextContent("req-0123456789");
    app.failures.clear();
    await page.user.click(within(alert).getByRole("button", { name: "Try again" }));
    expect(await cards()).toHaveLength(24);
  });

  it("loads more by a button and hands the focus to the first new listing", async () => {
    const page = open("/listings");
    await cards();
    await page.user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(screen.getAllByRole("article")).toHaveLength(48));
    const first = screen.getAllByRole("article")[24] as HTMLElement;
    await waitFor(() => expect(within(first).getByRole("link")).toHaveFocus());
    await page.user.click(screen.getByRole("button", { name: "Load more" }));
    await waitFor(() => expect(screen.getAllByRole("article")).toHaveLength(60));
    expect(screen.queryByRole("button", { name: "Load more" })).toBeNull();
  });

  it("has the filters in a sheet, which counts what it would show", async () => {
    const page = open("/listings");
    await cards();
    await page.user.click(screen.getByRole("button", { name: "Filters" }));
    const sheet = screen.getByRole("dialog", { name: "Filters" });
    await page.user.click(within(sheet).getByLabelText("Closed"));
    await page.user.click(await within(sheet).findByRole("button", { name: "Show 15 listings" }));
    expect(screen.queryByRole("dialog")).toBeNull();
    await waitFor(() => expect(page.address()).toBe("/listings?status=Closed"));
  });
});

describe("a listing's page", () => {
  it("is opened from the results and leads back to them with their filters", async () => {
    const page = open("/listings?status=Closed&sort=area");
    await page.user.click(within((await cards())[0] as HTMLElement).getByRole("link"));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: /\d+ / })).toHaveFocus());
    await page.user.click(screen.getByRole("link", { name: "Back to results" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Listings" })).toBeVisible();
    const first = (await cards())[0] as HTMLElement;
    await waitFor(() => expect(within(first).getByRole("link")).toHaveFocus());
    await waitFor(() => expect(page.address()).toBe("/listings?status=Closed&sort=area"));
  });

  it("gives the focus back to its card, also among results of other filters", async () => {
    const page = open("/listings?status=Closed");
    const link = within((await cards())[0] as HTMLElement).getByRole("link");
    const { id } = link;
    await page.user.click(link);
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: /\d+ / })).toHaveFocus());
    await page.router.navigate("/listings?status=Closed&view=list");
    await waitFor(() => expect(document.getElementById(id)).toHaveFocus());
  });

  it("keeps the focus on the heading when the listing comes after its placeholder", async () => {
    const page = open("/listings");
    const home = page.app.homes[0];
    const release = page.app.hold(`/api/v1/properties/${home?.id}`);
    await page.user.click(within((await cards())[0] as HTMLElement).getByRole("link"));
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: "Listing" })).toHaveFocus());
    release();
    expect(await screen.findByRole("heading", { level: 1, name: "891 Alder Court" })).toHaveFocus();
  });

  it("groups the facts, leaves out what is unknown and attributes the source in the brokerage's time", async () => {
    open("/listings/home-3");
    expect(await screen.findByRole("heading", { level: 1, name: "406 Dogwood Avenue" })).toBeVisible();
    const structure = screen.getByRole("region", { name: "Structure" });
    expect(structure).toHaveTextContent("Construction materialsBrick, Wood Siding");
    expect(screen.queryByText("Annual tax")).toBeNull();
    expect(screen.getByText("$131 per sq ft")).toBeVisible();
    expect(screen.getByText(/Source: Ames Sample MLS/)).toHaveTextContent(
      "Listing courtesy of Example Realty. Source: Ames Sample MLS, feed “ames”, refreshed Oct 30, 2026, 10:04 AM CDT.",
    );
  });

  it("changes the large photo by the strip", async () => {
    const page = open("/listings/home-3");
    const photos = await screen.findByRole("region", { name: "Photos" });
    await page.user.click(within(photos).getByRole("button", { name: /^Photo 2 of/ }));
    expect(within(photos).getByAltText("Placeholder picture 2 of the home")).toHaveAttribute(
      "src",
      "/api/v1/properties/home-3/photos/1",
    );
  });

  it("says plainly that a listing is not there", async () => {
    open("/listings/home-404");
    expect(await screen.findByRole("heading", { name: "This listing is not here" })).toBeVisible();
  });
});
