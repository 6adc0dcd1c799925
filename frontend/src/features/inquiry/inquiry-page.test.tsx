import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const visit = (address = "/inquire/home-1") => open(address, new FakeApp());

async function fill(page: ReturnType<typeof open>, { email = "vera@mail.example" } = {}) {
  await page.user.type(await screen.findByLabelText("Your name"), "Vera Visitor");
  if (email) await page.user.type(screen.getByLabelText("Email"), email);
  await page.user.type(screen.getByLabelText("Message"), "Is it still free?");
  await page.user.click(screen.getByRole("checkbox", { name: "Acme Realty may contact me about this." }));
  await page.user.click(screen.getByRole("button", { name: "Send" }));
}

describe("the form of visitors", () => {
  it("works without signing in, about a listing, and keeps where the visitor came from", async () => {
    const page = visit("/inquire/home-1?utm_source=news&utm_medium=a%40b.example");
    await screen.findByRole("heading", { level: 1, name: "Ask about this listing" });
    await fill(page);
    expect(await screen.findByRole("heading", { level: 1, name: "Thank you" })).toBeVisible();
    expect(screen.getByText("Your message has been received. Somebody will be in touch.")).toBeVisible();
    expect(page.app.crm.leads.inquiries).toEqual([
      {
        name: "Vera Visitor",
        email: "vera@mail.example",
        phone: null,
        message: "Is it still free?",
        consent: true,
        website: "",
        property_id: "home-1",
        utm: { source: "news" },
      },
    ]);
    expect(page.timesLeft()).toBe(0);
    await page.user.click(screen.getByRole("button", { name: "Write another message" }));
    expect(await screen.findByLabelText("Your name")).toHaveValue("");
  });

  it("asks in general without a listing", async () => {
    const page = visit("/inquire");
    await screen.findByRole("heading", { level: 1, name: "Ask us" });
    await fill(page);
    await screen.findByRole("heading", { level: 1, name: "Thank you" });
    expect(page.app.crm.leads.inquiries[0]?.property_id).toBeNull();
  });

  it("marks what is missing before anything is sent and takes the focus there", async () => {
    const page = visit();
    await page.user.click(await screen.findByRole("button", { name: "Send" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Please complete what is marked below.");
    expect(screen.getByLabelText("Your name")).toHaveFocus();
    expect(screen.getByLabelText("Your name")).toHaveAccessibleDescription("Tell us your name.");
    expect(screen.getByLabelText("Email")).toHaveAccessibleDescription(/Give an email address or a phone number\./);
    expect(screen.getByRole("checkbox", { name: /may contact me/ })).toHaveAccessibleDescription(
      "We need this to answer you.",
    );
    expect(page.app.crm.leads.inquiries).toEqual([]);
  });

  it("takes a phone number instead of an address, and marks an address that is none", async () => {
    const page = visit();
    await fill(page, { email: "vera" });
    await waitFor(() => expect(screen.getByLabelText("Email")).toHaveAccessibleDescription(/one plain mail address/));
    expect(screen.getByLabelText("Email")).toHaveFocus();
    await page.user.clear(screen.getByLabelText("Email"));
    await page.user.type(screen.getByLabelText("Phone"), "(515) 555-0199");
    await page.user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByRole("heading", { level: 1, name: "Thank you" });
    expect(page.app.crm.leads.inquiries[0]).toMatchObject({ email: null, phone: "(515) 555-0199" });
  });

  it("tells when to try again after too many, and keeps what was typed", async () => {
    const page = visit();
    page.app.crm.leads.isThrottled = true;
    await fill(page);
    expect(await screen.findByRole("alert")).toHaveTextContent(
      /Too many messages came from here\. Try again at \d{1,2}:\d{2}.[AP]M \(in 9 min\); what you typed stays\./,
    );
    expect(screen.getByLabelText("Message")).toHaveValue("Is it still free?");
  });

  it("says that a listing is gone and offers to ask something else, with what was typed and where one came from", async () => {
    const page = visit("/inquire/gone-home?utm_source=news");
    await fill(page);
    expect(await screen.findByRole("alert")).toHaveTextContent("This listing is no longer here.");
    await page.user.click(screen.getByRole("link", { name: "Ask us something else" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Ask us" })).toBeVisible();
    expect(page.address()).toBe("/inquire?utm_source=news");
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByLabelText("Your name")).toHaveValue("Vera Visitor");
    expect(screen.getByLabelText("Message")).toHaveValue("Is it still free?");
    await page.user.click(screen.getByRole("checkbox", { name: /may contact me/ }));
    await page.user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByRole("heading", { level: 1, name: "Thank you" });
    expect(page.app.crm.leads.inquiries[0]).toMatchObject({
      name: "Vera Visitor",
      property_id: null,
      utm: { source: "news" },
    });
  });

  it("holds a trap that people neither see nor reach", async () => {
    const page = visit();
    await screen.findByLabelText("Your name");
    expect(screen.queryByRole("textbox", { name: "Website" })).toBeNull();
    const trap = document.querySelector("input[name=website]");
    expect(trap).toHaveAttribute("tabindex", "-1");
    await page.user.tab();
    for (let step = 0; step < 12; step += 1) {
      expect(trap).not.toHaveFocus();
      await page.user.tab();
    }
  });

  it("says that the app cannot be reached and keeps what was typed", async () => {
    const page = visit();
    await screen.findByLabelText("Your name");
    page.app.isOffline = true;
    await fill(page);
    expect(await screen.findByRole("alert")).toHaveTextContent("The server could not be reached.");
    page.app.isOffline = false;
    await page.user.click(screen.getByRole("button", { name: "Send" }));
    await screen.findByRole("heading", { level: 1, name: "Thank you" });
  });
});
