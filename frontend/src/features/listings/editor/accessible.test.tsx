import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";
import { violations } from "@/testing/violations";

const ours = () => new FakeApp({ own: 3, signedIn: true });

describe("axe finds nothing", () => {
  it("on my listings, with and without any", async () => {
    open("/listings/mine", ours());
    await screen.findByRole("region", { name: /^Drafts/ });
    expect(await violations()).toEqual([]);
  });

  it("on the editor with refused values, a conflict and photos", async () => {
    const page = open("/listings/own-active/edit", ours());
    await screen.findByRole("heading", { name: "Photos" });
    expect(await violations()).toEqual([]);
    page.app.editing.changeBy("Ben Agent", "own-active", { city: "Boone", bedrooms_total: 9 });
    await page.user.type(screen.getByLabelText("City"), "!");
    await page.user.clear(screen.getByLabelText("Year built"));
    await page.user.type(screen.getByLabelText("Year built"), "2999");
    await page.user.tab();
    await screen.findByRole("region", { name: /^Ben Agent changed/ });
    await waitFor(() => expect(screen.getByLabelText("Year built")).toBeInvalid());
    expect(await violations()).toEqual([]);
  });

  it("on a move of the status that was refused", async () => {
    const page = open("/listings/mine");
    await page.user.click(await screen.findByRole("button", { name: "New listing" }));
    await page.user.click(await screen.findByRole("button", { name: "Publish" }));
    await page.user.click(screen.getAllByRole("button", { name: "Publish" }).at(-1) as HTMLElement);
    await screen.findByText("The listing lacks something for this:");
    expect(await violations()).toEqual([]);
  });
});
