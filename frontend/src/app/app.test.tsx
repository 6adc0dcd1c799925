import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

describe("sessions", () => {
  it("send a stranger through sign-in and back to the same search", async () => {
    const page = open("/listings?status=Active&q=oak", new FakeApp());
    expect(await page.leftFor()).toBe("/auth/login?return_to=%2Flistings%3Fstatus%3DActive%26q%3Doak");
    expect(page.timesLeft()).toBe(1);
    expect(screen.queryByRole("heading", { name: "Listings" })).toBeNull();
  });

  it("that end while a page is open lead to sign-in, which says so", async () => {
    // A page that follows changes seldom, so that going on is what meets the end.
    const page = open("/listings/home-1");
    await screen.findByRole("heading", { level: 1, name: /\d/ });
    page.app.session = undefined;
    await page.user.keyboard("gf");
    expect(await page.leftFor()).toBe("/auth/login?return_to=%2Ffeeds");
    open("/sign-in?request=r1", new FakeApp());
    expect(await screen.findByText(/Your session has ended/)).toBeVisible();
  });

  it("end by signing out", async () => {
    const page = open("/feeds");
    await page.user.click(await screen.findByRole("button", { name: "Account of Olivia Owner" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    expect(await page.leftFor()).toBe("/sign-in");
    expect(page.app.session).toBeUndefined();
  });

  it("have not ended for a page that asks while somebody signs out", async () => {
    const page = open("/feeds");
    const release = page.app.hold("/auth/logout");
    await page.user.click(await screen.findByRole("button", { name: "Account of Olivia Owner" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Sign out" }));
    page.app.session = undefined;
    await page.user.keyboard("gl");
    await screen.findByRole("heading", { level: 1, name: "Listings" });
    release();
    expect(await page.leftFor()).toBe("/sign-in");
    open("/sign-in?request=r1", new FakeApp());
    expect(await screen.findByRole("heading", { name: "Sign in" })).toBeVisible();
    expect(screen.queryByText(/Your session has ended/)).toBeNull();
  });

  it("are not ended by a failing server: the failure is shown with another try", async () => {
    const app = new FakeApp({ signedIn: true });
    app.failures.set("/api/v1/session", () => problem(503, "Database down"));
    const page = open("/listings", app);
    expect(await screen.findByRole("alert")).toHaveTextContent("This page could not be shown");
    expect(page.timesLeft()).toBe(0);
  });
});

describe("the frame", () => {
  it("leads from the front door to the listings", async () => {
    const page = open("/");
    await screen.findAllByRole("article");
    expect(page.address()).toBe("/listings");
    expect(screen.getAllByRole("link", { name: "Listings" })[0]).toHaveAttribute("aria-current", "page");
  });

  it("has a page for addresses that lead nowhere", async () => {
    open("/castles/in/the/air");
    expect(await screen.findByRole("heading", { name: "There is no such page" })).toBeVisible();
  });

  it("moves the focus to the new page's heading and names the tab", async () => {
    const page = open("/listings");
    await screen.findAllByRole("article");
    await page.user.click(screen.getAllByRole("link", { name: "Feeds" })[0] as HTMLElement);
    await waitFor(() => expect(screen.getByRole("heading", { level: 1, name: "Feeds" })).toHaveFocus());
    expect(document.title).toBe("Feeds · Acme Realty");
  });

  it("switches the theme and remembers it", async () => {
    const page = open("/feeds");
    await page.user.click(await screen.findByRole("button", { name: "Theme: System" }));
    await page.user.click(await screen.findByRole("menuitemradio", { name: "Dark" }));
    expect(document.documentElement.dataset.theme).toBe("dark");
    expect(localStorage.getItem("rooftree.theme")).toBe("dark");
    expect(await screen.findByRole("button", { name: "Theme: Dark" })).toBeVisible();
  });

  it("adds no style element, which the security policy would refuse", async () => {
    const page = open("/listings");
    await screen.findAllByRole("article");
    await page.user.click(screen.getByRole("button", { name: "Theme: System" }));
    await screen.findByRole("menuitemradio", { name: "Dark" });
    expect(document.querySelectorAll("style")).toHaveLength(0);
    await page.user.keyboard("{Escape}?");
    await screen.findByRole("dialog");
    expect(document.querySelectorAll("style")).toHaveLength(0);
  });
});

describe("keyboard shortcuts", () => {
  it("go to the pages, focus the search and show themselves", async () => {
    const page = open("/listings");
    await screen.findAllByRole("article");
    await page.user.keyboard("gf");
    await screen.findByRole("heading", { level: 1, name: "Feeds" });
    await page.user.keyboard("gl");
    await screen.findByRole("heading", { level: 1, name: "Listings" });
    await page.user.keyboard("/");
    expect(screen.getByLabelText("Search listings")).toHaveFocus();
    await page.user.keyboard("{Escape}?");
    const dialog = await screen.findByRole("dialog", { name: "Keyboard shortcuts" });
    expect(dialog).toBeVisible();
    expect(within(dialog).queryByRole("banner"), "the page's own stays the only one").toBeNull();
  });

  it("reach the search from another page", async () => {
    const page = open("/feeds");
    await screen.findByRole("region", { name: "ames" });
    await page.user.keyboard("/");
    await waitFor(() => expect(screen.getByLabelText("Search listings")).toHaveFocus());
  });

  it("never act while someone types", async () => {
    const page = open("/listings");
    await screen.findAllByRole("article");
    await page.user.type(screen.getByLabelText("Search listings"), "gf?/");
    expect(screen.getByLabelText("Search listings")).toHaveValue("gf?/");
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("can be switched off", async () => {
    const page = open("/feeds");
    await screen.findByRole("region", { name: "ames" });
    await page.user.keyboard("?");
    await page.user.click(await screen.findByRole("checkbox", { name: /single-key shortcuts/ }));
    await page.user.click(screen.getByRole("button", { name: "Close" }));
    await page.user.keyboard("gl");
    expect(page.address()).toBe("/feeds");
  });
});
