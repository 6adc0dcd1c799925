import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const fill = async (user: ReturnType<typeof open>["user"], email: string, password: string) => {
  await user.type(await screen.findByLabelText("Email"), email);
  await user.click(screen.getByLabelText("Password"));
  await user.paste(password);
  await user.click(screen.getByRole("button", { name: "Sign in" }));
};

describe("the sign-in page", () => {
  it("bears the brokerage's name and goes where the app sends a person who signed in", async () => {
    const page = open("/sign-in?request=r1", new FakeApp());
    await fill(page.user, "owner@acme.example", "correct horse battery");
    expect(await page.leftFor()).toBe("/auth/callback?code=c&state=s");
    expect(screen.getByText("Acme Realty")).toBeVisible();
    expect(document.title).toBe("Sign in · Acme Realty");
  });

  it("announces a wrong password and keeps what was typed", async () => {
    const page = open("/sign-in?request=r1", new FakeApp());
    await fill(page.user, "owner@acme.example", "wrong");
    expect(await screen.findByRole("alert")).toHaveTextContent("The email and password do not match");
    expect(screen.getByLabelText("Email")).toHaveValue("owner@acme.example");
    expect(screen.getByLabelText("Password")).toHaveFocus();
    expect(page.timesLeft()).toBe(0);
  });

  it("starts again when the request behind it has expired", async () => {
    const page = open("/sign-in?request=expired", new FakeApp());
    await fill(page.user, "owner@acme.example", "correct horse battery");
    expect(await screen.findByRole("link", { name: "Start again" })).toHaveAttribute(
      "href",
      "/auth/login?return_to=%2Flistings",
    );
  });

  it("says how long to wait after too many tries", async () => {
    const app = new FakeApp();
    const tooMany = { status: 429, headers: { "retry-after": "30", "content-type": "application/problem+json" } };
    app.failures.set("/oauth/sign-in", () => new Response("{}", tooMany));
    const page = open("/sign-in?request=r1", app);
    await fill(page.user, "owner@acme.example", "correct horse battery");
    expect(await screen.findByRole("alert")).toHaveTextContent("Try again in 30 seconds");
  });

  it("sends a person who opened it by hand to the flow's start", async () => {
    expect(await open("/sign-in", new FakeApp()).leftFor()).toBe("/auth/login?return_to=%2Flistings");
  });

  it("lets password managers and paste work", async () => {
    open("/sign-in?request=r1", new FakeApp());
    expect(await screen.findByLabelText("Email")).toHaveAttribute("autocomplete", "username");
    expect(screen.getByLabelText("Password")).toHaveAttribute("autocomplete", "current-password");
  });
});
