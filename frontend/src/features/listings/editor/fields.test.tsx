import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp } from "@/testing/fake-app";
import { open } from "@/testing/open";

const ours = () => new FakeApp({ own: 3, signedIn: true });
const edit = (id = "own-active", app = ours()) => open(`/listings/${id}/edit`, app);
const ready = () => screen.findByRole("heading", { name: "Address & place" });
const box = (name: string | RegExp) => screen.getByLabelText(name);
const saved = () => screen.findByText(/^Saved \d+:\d\d/);

describe("a refused value", () => {
  it("shows its message at the field and holds back nothing else", async () => {
    const page = edit();
    await ready();
    await page.user.clear(box("Year built"));
    await page.user.type(box("Year built"), "2999");
    await page.user.type(box("City"), "!");
    await page.user.tab();
    await waitFor(() => expect(box("Year built")).toHaveAccessibleDescription("Lies too far in the future."));
    expect(box("Year built")).toBeInvalid();
    await waitFor(() => expect(page.app.editing.home("own-active").city).toBe("Ames!"));
    expect(await screen.findByText("1 change needs a correction, the rest is saved")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Show" }));
    expect(box("Year built")).toHaveFocus();
    await page.user.clear(box("Year built"));
    await page.user.type(box("Year built"), "1999");
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").year_built).toBe(1999);
  });

  it("that is no amount stays as typed, is explained, and is not sent", async () => {
    const page = edit();
    await ready();
    await page.user.clear(box("List price"));
    await page.user.type(box("List price"), "45o,000");
    await page.user.tab();
    expect(box("List price")).toHaveValue("45o,000");
    expect(box("List price")).toHaveAccessibleDescription(/Write the amount like 450,000/);
    await page.user.clear(box("List price"));
    await page.user.type(box("List price"), "450000.50");
    await page.user.tab();
    expect(box("List price")).toHaveValue("450,000.50");
    expect(await saved()).toBeVisible();
    expect(page.app.editing.home("own-active").list_price).toEqual({ amount: 45_000_050, currency: "USD" });
    expect(screen.getByText(/^Was/)).toHaveTextContent(/^Was \$[\d,]+, (up|down) [\d.]+ %$/);
  });
});

it("spaces and commas that the server takes off stay under the hands of who types", async () => {
  const page = edit();
  await ready();
  page.app.editing.trims = true;
  await page.user.type(box("City"), " West ");
  expect(await saved()).toBeVisible();
  expect(page.app.editing.home("own-active").city).toBe("Ames West");
  expect(box("City")).toHaveValue("Ames West ");
  await page.user.type(box("City"), "End");
  expect(box("City")).toHaveValue("Ames West End");
});

it("half a place on the map waits for its other half", async () => {
  const page = edit();
  await ready();
  await page.user.clear(box("Longitude"));
  await page.user.tab();
  expect(box("Longitude")).toHaveAccessibleDescription(/Latitude and longitude go together/);
  expect(await screen.findByText("1 change needs a correction, the rest is saved")).toBeVisible();
  await page.user.type(box("Longitude"), "-93.5");
  await page.user.tab();
  await waitFor(() => expect(page.app.editing.home("own-active").longitude).toBe(-93.5));
});

it("the agent is chosen among those who list homes", async () => {
  const app = ours();
  const [owner] = app.people.users;
  if (owner) app.people.users.push({ ...owner, id: "user-9", name: "Cora Coordinator", role: "coordinator" });
  const page = edit("own-active", app);
  await ready();
  await page.user.selectOptions(box("Listing agent"), await screen.findByRole("option", { name: "Arthur Agent" }));
  await page.user.tab();
  await waitFor(() => expect(page.app.editing.home("own-active").list_agent_id).toBe("user-3"));
  expect(screen.queryByRole("option", { name: "Cora Coordinator" })).toBeNull();
});
