import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const filters = () => screen.getByRole("complementary", { name: "Filters" });
const box = () => screen.findByRole("combobox", { name: "Search listings" });
const options = async () => within(await screen.findByRole("listbox", { name: "Suggestions" })).getAllByRole("option");

describe("suggestions", () => {
  it("make a city a filter in the place of what was typed, in one step of the history", async () => {
    const page = open("/listings?status=Active");
    await page.user.type(await box(), "Am");
    expect((await options())[0]).toHaveTextContent("Ames60 listings");
    expect(await box()).toHaveAttribute("aria-expanded", "true");
    expect(await screen.findByText("8 suggestions, use the arrow keys")).toBeInTheDocument();
    await page.user.keyboard("{ArrowDown}");
    const active = (await box()).getAttribute("aria-activedescendant") ?? "";
    expect(document.getElementById(active)).toHaveTextContent("Ames");
    await page.user.keyboard("{Enter}");
    await waitFor(() => expect(page.address()).toBe("/listings?status=Active&city=Ames"));
    expect(await box()).toHaveValue("");
    expect(screen.queryByRole("listbox", { name: "Suggestions" })).toBeNull();
    await page.router.navigate(-1);
    await waitFor(() => expect(page.address()).toBe("/listings?status=Active"));
  });

  it("open the listing of an address, from which the search is one step back", async () => {
    const page = open("/listings?status=Active");
    await page.user.type(await box(), "891 Alder");
    await page.user.click((await options())[0] as HTMLElement);
    expect(await screen.findByRole("heading", { level: 1, name: "891 Alder Court" })).toBeVisible();
    expect(page.address()).toBe("/listings/home-0");
    await page.user.click(screen.getByRole("link", { name: "Back to results" }));
    await waitFor(() => expect(page.address()).toMatch(/status=Active$/));
  });

  it("close by Escape, which keeps what was typed, and open again by an arrow key", async () => {
    const page = open("/listings");
    await page.user.type(await box(), "Am");
    await options();
    await page.user.keyboard("{Escape}");
    expect(screen.queryByRole("listbox", { name: "Suggestions" })).toBeNull();
    expect(await box()).toHaveValue("Am");
    expect(await box()).toHaveFocus();
    await page.user.keyboard("{ArrowDown}");
    expect(await options()).not.toHaveLength(0);
    await page.user.keyboard("{ArrowUp}");
    expect((await options()).at(-1)).toHaveAttribute("aria-selected", "true");
  });

  it("of another text are not offered while the new ones are awaited", async () => {
    const page = open("/listings");
    await page.user.type(await box(), "Am");
    await options();
    page.app.hold("/api/v1/properties/suggestions");
    await page.user.clear(await box());
    await page.user.type(await box(), "Old");
    await waitFor(() => expect(page.app.log.at(-1)).toContain("Old"));
    expect(screen.queryByRole("listbox", { name: "Suggestions" })).toBeNull();
  });
});

describe("facets", () => {
  it("tell what each value would bring under the other filters, several of which can be chosen", async () => {
    const page = open("/listings?min_beds=3");
    await box();
    await waitFor(() => expect(within(filters()).getByText("Old Town").closest("label")).toHaveTextContent(/\d/));
    const label = within(filters()).getByText("Old Town").closest("label") as HTMLElement;
    const promised = Number(label.textContent?.replace(/\D/g, ""));
    await page.user.click(label);
    expect(await screen.findByText(`${promised} listings`, { selector: "[role=status]" })).toBeVisible();
    await page.user.click(within(filters()).getByText("Somerset"));
    await waitFor(() => expect(page.address()).toContain("subdivision=Old+Town&subdivision=Somerset"));
  });

  it("make a bar of the prices a range to press, and to press again to let go", async () => {
    const page = open("/listings");
    await box();
    const bar = await within(filters()).findByRole("button", { name: /^\$200,000 to \$250,000: \d+ listings$/ });
    await page.user.click(bar);
    await waitFor(() => expect(page.address()).toBe("/listings?min_price=200000&max_price=250000"));
    expect(within(filters()).getByLabelText("Minimum price")).toHaveValue("200,000");
    await page.user.click(within(filters()).getByRole("button", { name: /^\$200,000 to/, pressed: true }));
    await waitFor(() => expect(page.address()).toBe("/listings"));
  });

  it("are hidden, with a notice, while the database answers", async () => {
    const app = new FakeApp({ signedIn: true });
    app.searchIsDown = true;
    open("/listings?subdivision=Old+Town", app);
    expect(await screen.findByText(/The search is limited at the moment/)).toBeVisible();
    expect(within(filters()).queryByText("Somerset")).toBeNull();
    expect(within(filters()).getByLabelText("Old Town")).toBeChecked();
    expect(within(filters()).getByText("Active").closest("label")).toHaveTextContent(/^Active$/);
    expect(screen.queryByRole("list", { name: "Listings by price" })).toBeNull();
  });
});

describe("a search that finds nothing", () => {
  it("says what to let go of, and what that would bring", async () => {
    const page = open("/listings?status=Closed&min_price=900000&view=list");
    const ways = await screen.findByRole("list", { name: "Ways to find more" });
    await page.user.click(within(ways).getByRole("button", { name: "Any price15 listings" }));
    await waitFor(() => expect(page.address()).toBe("/listings?status=Closed&view=list"));
    expect(await screen.findAllByRole("article")).toHaveLength(15);
  });
});

describe("places", () => {
  it("lead from a listing to what is within a mile of it, nearest first", async () => {
    const page = open("/listings/home-3");
    await page.user.click(await screen.findByRole("link", { name: "Listings within a mile" }));
    await waitFor(() => expect(page.address()).toMatch(/^\/listings\?.*near=42\.\d+%2C-93\.\d+&radius=1609/));
    expect(await screen.findByLabelText("Sort by")).toHaveValue("distance");
    expect((await screen.findAllByRole("article"))[0]).toHaveTextContent("406 Dogwood Avenue");
  });

  it("are left out of the page of a listing that gives none", async () => {
    open("/listings/home-15");
    await screen.findByRole("region", { name: "Structure" });
    expect(screen.queryByRole("region", { name: "Location" })).toBeNull();
  });

  it("are in the list alone where the browser cannot draw a map", async () => {
    open("/listings");
    expect(await screen.findByText(/This browser cannot draw maps/)).toBeVisible();
    expect(await screen.findAllByRole("article")).toHaveLength(24);
  });
});
