import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

describe("asking about a listing", () => {
  it("is written down by a colleague for somebody, and leads to the contact", async () => {
    const page = open("/listings/home-1");
    await page.user.click(await screen.findByRole("button", { name: "Write down a lead" }));
    const dialog = await screen.findByRole("dialog", { name: "Who asks about this listing?" });
    await page.user.type(within(dialog).getByLabelText("Name"), "Vera Visitor");
    await page.user.click(within(dialog).getByRole("button", { name: "Write down" }));
    await waitFor(() => expect(within(dialog).getByLabelText("Email")).toHaveAccessibleDescription(/Give a mail/));
    await page.user.type(within(dialog).getByLabelText("Phone"), "(515) 555-0199");
    await page.user.click(within(dialog).getByRole("checkbox", { name: "They agreed to be contacted about this" }));
    await page.user.click(within(dialog).getByRole("button", { name: "Write down" }));
    expect(await screen.findByText(/The lead is written down/)).toBeVisible();
    expect(page.app.crm.leads.kept[0]).toMatchObject({ name: "Vera Visitor", property_id: "home-1", consent: true });
    await page.user.click(screen.getByRole("link", { name: "Open Vera Visitor" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Vera Visitor" })).toBeVisible();
  });

  it("has the visitors' form for everybody else", async () => {
    const app = new FakeApp();
    Object.assign(app.people.users[2] ?? {}, { role: "coordinator" });
    app.signIn("user-3");
    const page = open("/listings/home-1", app);
    await page.user.click(await screen.findByRole("link", { name: "Ask about this listing" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Ask about this listing" })).toBeVisible();
    expect(page.address()).toBe("/inquire/home-1");
  });

  it.each([
    ["a listing that is not for the internet", { internet_display: false }],
    ["a draft", { standard_status: "Incomplete" as const }],
  ])("has no visitors' form for %s, which visitors may not see", async (_what, change) => {
    const app = new FakeApp({ signedIn: true });
    Object.assign(app.homes.find(({ id }) => id === "home-1") ?? {}, change);
    open("/listings/home-1", app);
    await screen.findByRole("button", { name: "Write down a lead" });
    expect(screen.queryByRole("link", { name: "The form for visitors" })).toBeNull();
  });

  it.each([
    [{ id: "user-9", name: "Lena Listing" }, "Lena Listing looks after Vera Visitor."],
    [null, "Vera Visitor waits to be claimed in the listing’s office."],
  ])("says who got a lead that its writer cannot open: %j", async (assigned_to, words) => {
    const app = new FakeApp();
    app.signIn("user-2");
    app.crm.leads.reception = { assigned_to, office_id: "office-downtown" };
    const page = open("/listings/home-1", app);
    await page.user.click(await screen.findByRole("button", { name: "Write down a lead" }));
    const dialog = await screen.findByRole("dialog");
    await page.user.type(within(dialog).getByLabelText("Name"), "Vera Visitor");
    await page.user.type(within(dialog).getByLabelText("Phone"), "(515) 555-0199");
    await page.user.click(within(dialog).getByRole("button", { name: "Write down" }));
    expect(await screen.findByText(/The lead is written down/)).toHaveTextContent(words);
    expect(screen.queryByRole("link", { name: "Open Vera Visitor" })).toBeNull();
  });
});
