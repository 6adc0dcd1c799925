import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";
import { strength } from "./strength";

describe("the page of a one-time link", () => {
  it("sets name and password and goes on to sign in", async () => {
    const page = open("/invite/good-link", new FakeApp());
    await page.user.type(await screen.findByLabelText("Your name"), "-Smith");
    await page.user.type(screen.getByLabelText("Password"), "a quiet row of roofs");
    await page.user.click(screen.getByRole("button", { name: "Set password and continue" }));
    expect(await page.leftFor()).toBe("/auth/login?return_to=/listings");
    expect(page.app.account).toMatchObject({ name: "Olivia Owner-Smith", password: "a quiet row of roofs" });
    expect(screen.getByLabelText("Email")).toHaveValue("owner@acme.example");
  });

  it("says as what the person joins", async () => {
    const app = new FakeApp();
    app.invitations.set("agent-link", {
      email: "ivy@new.example",
      name: "Ivy Invited",
      role: "agent",
      expires_at: "2026-10-31T15:00:00Z",
    });
    open("/invite/agent-link", app);
    expect(await screen.findByText(/^You join as an agent\. Set your password to finish\./)).toBeVisible();
    expect(screen.getByLabelText("Your name")).toHaveValue("Ivy Invited");
  });

  it("shows the app's refusal beside the field that it names", async () => {
    const page = open("/invite/good-link", new FakeApp());
    await page.user.type(await screen.findByLabelText("Password"), "password1234");
    await page.user.click(screen.getByRole("button", { name: "Set password and continue" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Please correct what is marked below.");
    const field = screen.getByLabelText("Password");
    expect(field).toBeInvalid();
    expect(field).toHaveAccessibleDescription(/one of the passwords that are tried first\.$/);
  });

  it("says that a used link no longer works and offers to sign in", async () => {
    open("/invite/spent-link", new FakeApp());
    expect(await screen.findByRole("heading", { name: "This link no longer works" })).toBeVisible();
    expect(screen.getByRole("link", { name: "Go to sign in" })).toBeVisible();
  });

  it("says that an unknown link may have been cut short", async () => {
    open("/invite/unheard-of", new FakeApp());
    expect(await screen.findByRole("heading", { name: "This link is not known here" })).toBeVisible();
  });

  it("notices that the link was used elsewhere while the page was open", async () => {
    const page = open("/invite/good-link", new FakeApp());
    await page.user.type(await screen.findByLabelText("Password"), "a quiet row of roofs");
    page.app.invitations.set("good-link", "spent");
    await page.user.click(screen.getByRole("button", { name: "Set password and continue" }));
    expect(await screen.findByRole("heading", { name: "This link no longer works" })).toBeVisible();
  });
});

describe("the strength hint", () => {
  const owner = { email: "olivia@acme.example", name: "Olivia Owner" };
  it.each([
    ["short", 0],
    ["password-password", 0],
    ["aaaaaaaaaaaaaaaa", 0],
    ["olivia-olivi", 2],
    ["oliviaabcdef", 1],
    ["oliviaabcde", 0],
    ["somelongword", 1],
    ["somelongword1", 2],
    ["a quiet row of roofs", 3],
    ["Tr1cky-enough", 3],
  ])("takes %j for level %i", (password, level) => {
    expect(strength(password, owner).level).toBe(level);
  });

  it("counts characters, not code units", () => {
    expect(strength("🏠🏡🏘🏚🏢🏬", owner).words).toBe("6 more characters needed.");
  });
});
