import { act, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { FakeMap } from "@/testing/fake-map";
import { open } from "@/testing/open";

vi.mock("maplibre-gl", () => import("@/testing/fake-map"));
vi.mock("maplibre-gl/dist/maplibre-gl-worker.mjs?url", () => ({ default: "/worker.mjs" }));

// A graphics processor that says that it is there is all that the page asks of it.
beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(((kind: string) =>
    kind === "webgl2" ? { getExtension: () => null } : null) as never);
});

const theMap = () => screen.findByRole("region", { name: "Map of listings" });
const pins = () => screen.findByRole("list", { name: "Listings on the map" });
const total = (words: string) => screen.findByText(words, { selector: "[role=status]" });

/** How many listings the pins stand for. */
async function pinned(): Promise<number> {
  const marks = [...(await pins()).querySelectorAll("[data-pin]")];
  return marks.reduce((sum, { textContent }) => sum + (textContent?.startsWith("$") ? 1 : Number(textContent)), 0);
}

describe("the map beside the list", () => {
  it("pins the listings that have a place and counts those that have none", async () => {
    open("/listings");
    expect(await within(await theMap()).findByText("57 of 60 on the map")).toBeVisible();
    await waitFor(async () => expect(await pinned()).toBe(57));
  });

  it("shows what the filters find, as the list does", async () => {
    const page = open("/listings");
    await pins();
    await page.user.click(within(screen.getByRole("complementary", { name: "Filters" })).getByLabelText("Closed"));
    await total("15 listings");
    await within(await theMap()).findByText(/ of 15 on the map/);
    await waitFor(async () => expect(await pinned()).toBe(page.app.homes.filter(isPlacedAndClosed).length));
  });

  it("offers to search where it was moved to, and binds list and pins to that frame", async () => {
    const page = open("/listings");
    await pins();
    act(() => FakeMap.last.drag([-93.69, 42.02]));
    await page.user.click(await screen.findByRole("button", { name: "Search this area" }));
    await waitFor(() =>
      expect(page.address()).toMatch(/^\/listings\?bbox=-93\.7\d+%2C41\.9\d+%2C-93\.6\d+%2C42\.0\d+$/),
    );
    expect(await screen.findByRole("button", { name: "Remove filter: In the map’s frame" })).toBeVisible();
    const found = Number((await screen.findByText(/^\d+ listings$/)).textContent?.split(" ")[0]);
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThan(60);
    await waitFor(async () => expect(await pinned()).toBe(found));
  });

  it("goes along with the map when asked to, in one step of the history", async () => {
    const page = open("/listings?status=Active");
    await pins();
    await page.user.click(await screen.findByLabelText("Search as I move"));
    await waitFor(() => expect(page.address()).toContain("bbox="));
    const first = page.address();
    act(() => FakeMap.last.drag([-93.62, 42.05]));
    await waitFor(() => expect(page.address()).not.toBe(first));
    expect(page.address()).toContain("bbox=");
    await page.router.navigate(-1);
    await waitFor(() => expect(page.address()).toBe("/listings?status=Active"));
  });

  it("zooms into a cluster and hands the focus to a pin inside it", async () => {
    const page = open("/listings");
    const many = (await within(await pins()).findAllByRole("button"))[0] as HTMLElement;
    const before = FakeMap.last.getZoom();
    many.focus();
    await page.user.keyboard("{Enter}");
    await waitFor(() => expect(FakeMap.last.getZoom()).toBeGreaterThan(before));
    await waitFor(() => expect(document.activeElement).toHaveAttribute("data-pin"));
  });

  it("has one stop for the tab key, and arrow keys between the pins", async () => {
    const page = open("/listings");
    await waitFor(async () => expect(await pinned()).toBe(57));
    const all = [...(await pins()).querySelectorAll<HTMLElement>("[data-pin]")];
    expect(all.filter(({ tabIndex }) => tabIndex === 0)).toHaveLength(1);
    all[0]?.focus();
    await page.user.keyboard("{ArrowDown}");
    expect(document.activeElement).toHaveAttribute("data-pin");
    expect(document.activeElement).not.toBe(all[0]);
    expect(document.activeElement).toHaveAttribute("tabindex", "0");
  });

  it("shows the listing under the pointer of the list on the map", async () => {
    const app = new FakeApp({ homes: 3, signedIn: true });
    const page = open("/listings", app);
    const pin = await within(await pins()).findByRole("link", { name: /891 Alder Court/ });
    expect(pin).not.toHaveClass("bg-brand");
    await page.user.hover(screen.getAllByRole("article")[0] as HTMLElement);
    expect(pin).toHaveClass("bg-brand");
    await page.user.hover(pin);
    expect(screen.getAllByRole("article")[0]).toHaveClass("border-brand");
    const preview = await screen.findByRole("list", { name: "Chosen on the map" });
    expect(within(preview).getByRole("link")).toHaveAttribute("href", "/listings/home-0");
  });

  it("goes away with its canvas when it is put away, and comes back", async () => {
    const page = open("/listings");
    await pins();
    const first = FakeMap.last;
    await page.user.click(screen.getByRole("button", { name: "Hide map" }));
    await waitFor(() => expect(page.address()).toBe("/listings?view=list"));
    expect(first.isRemoved).toBe(true);
    await page.user.click(screen.getByRole("button", { name: "Show map" }));
    await pins();
    expect(page.address()).toBe("/listings");
  });
});

const isPlacedAndClosed = (home: FakeApp["homes"][number]) =>
  home.standard_status === "Closed" && home.latitude !== null;

describe("an area", () => {
  it("is drawn corner by corner and can be cleared", async () => {
    const page = open("/listings");
    await pins();
    await page.user.click(screen.getByRole("button", { name: "Search an area" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Draw on the map" }));
    expect(screen.getByRole("button", { name: "Done" })).toBeDisabled();
    for (const [lng, lat] of [
      [-93.65, 42],
      [-93.6, 42],
      [-93.6, 42.04],
      [-93.65, 42.04],
    ] as const)
      act(() => FakeMap.last.press(lng, lat));
    expect(await screen.findByText("4 corners")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(new URLSearchParams(page.address().split("?")[1]).get("polygon")).toBe(DRAWN));
    await total(`${page.app.homes.filter(isDrawnAround).length} listings`);
    await page.user.click(screen.getByRole("button", { name: "Clear area" }));
    await waitFor(() => expect(page.address()).toBe("/listings"));
  });

  it("is drawn by keys, taken back and left", async () => {
    const page = open("/listings");
    await pins();
    await page.user.click(screen.getByRole("button", { name: "Search an area" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Draw on the map" }));
    await waitFor(() => expect(FakeMap.last.getCanvas()).toHaveFocus());
    await page.user.keyboard(" ");
    expect(await screen.findByText("1 corner")).toBeVisible();
    await page.user.keyboard("{Backspace}");
    expect(await screen.findByText("0 corners")).toBeVisible();
    await page.user.keyboard("{Escape}");
    expect(screen.queryByText("0 corners")).toBeNull();
    expect(page.address()).toBe("/listings");
  });

  it("is a circle whose radius can be changed, nearest first", async () => {
    const page = open("/listings");
    await pins();
    await page.user.click(screen.getByRole("button", { name: "Search an area" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Circle around a point" }));
    act(() => FakeMap.last.press(-93.62, 42.03));
    await waitFor(() => expect(page.address()).toBe("/listings?near=42.03%2C-93.62&radius=1609"));
    await page.user.selectOptions(await screen.findByLabelText("Radius"), "5 mi");
    await waitFor(() => expect(page.address()).toContain("radius=8047"));
    await page.user.selectOptions(screen.getByLabelText("Sort by"), "Nearest first");
    await waitFor(() => expect(page.address()).toContain("sort=distance"));
  });
});

const isDrawnAround = ({ latitude, longitude }: FakeApp["homes"][number]) =>
  Number(latitude) > 42 && Number(latitude) < 42.04 && Number(longitude) > -93.65 && Number(longitude) < -93.6;

const DRAWN = "-93.65,42;-93.6,42;-93.6,42.04;-93.65,42.04";
