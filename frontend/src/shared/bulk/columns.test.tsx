import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { type FakeApp, problem } from "@/testing/fake-app";
import { as, checked, csv, figures } from "@/testing/imports";

const button = (name: string) => screen.getByRole("button", { name });
const column = (name: string) => screen.getByLabelText(`“${name}” is`);
const sent = ({ log }: FakeApp) => log.filter((line) => line.startsWith("PATCH "));

describe("the columns", () => {
  it("are shown with samples and what they are taken for", async () => {
    await checked();
    const columns = screen.getByRole("region", { name: "Columns" });
    expect(column("Email")).toHaveDisplayValue("Email addresses");
    expect(column("Remark")).toHaveDisplayValue("Left out");
    expect(columns).toHaveTextContent("Nina New · Nick New · Carla Canary");
    expect(columns).not.toHaveTextContent("Changed");
    expect(button("Check again")).toHaveAttribute("aria-disabled", "true");
    expect(button("Check again")).toHaveAccessibleDescription("No column is changed.");
  });

  it("chosen anew wait until they are all chosen: nothing is checked by that", async () => {
    const page = await checked();
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.selectOptions(column("Remark"), "Source");
    await page.user.selectOptions(column("Phone"), "Left out");
    await page.user.selectOptions(column("Phone"), "Phone numbers");
    expect(screen.getAllByText("Changed")).toHaveLength(2);
    expect(column("Tags")).toHaveAccessibleDescription("Changed");
    expect(column("Phone")).not.toHaveAccessibleDescription();
    expect(screen.getByText("2 columns are changed and not checked yet.")).toHaveAttribute("role", "status");
    expect(sent(page.app)).toEqual([]);
    await page.user.click(button("Check again"));
    expect(await screen.findByRole("button", { name: "Import 2 contacts" })).toBeVisible();
    expect(sent(page.app)).toHaveLength(1);
    expect(page.app.bulk.kept[0]?.shown.columns.map(({ field }) => field)).toEqual([
      "name",
      "emails",
      "phones",
      null,
      "source",
    ]);
    expect(screen.queryByText("Changed")).toBeNull();
  });

  it("are chosen, sent and reset by keyboard, and the focus stays where it was", async () => {
    const page = await checked();
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.selectOptions(column("Remark"), "Source");
    column("Remark").focus();
    await page.user.tab();
    expect(button("Check again")).toHaveFocus();
    await page.user.tab();
    expect(button("Reset")).toHaveFocus();
    await page.user.keyboard("{Enter}");
    expect(column("Tags")).toHaveDisplayValue("Tags");
    expect(button("Reset")).toHaveFocus();
    expect(sent(page.app)).toEqual([]);
    await page.user.selectOptions(column("Tags"), "Left out");
    button("Check again").focus();
    await page.user.keyboard("{Enter}");
    await screen.findByRole("button", { name: "Import 2 contacts" });
    expect(button("Check again")).toHaveFocus();
    await page.user.keyboard("{Enter}");
    expect(sent(page.app)).toHaveLength(1);
  });

  it("that are not checked yet keep the file from being imported without them", async () => {
    const page = await checked();
    await page.user.selectOptions(column("Tags"), "Left out");
    const apply = button("Import 3 contacts");
    expect(apply).toHaveAttribute("aria-disabled", "true");
    expect(apply).toHaveAccessibleDescription(/^You have changed columns below: have the file checked again/);
    await page.user.click(apply);
    expect(page.app.log.some((line) => line.includes("/application"))).toBe(false);
    await page.user.click(button("Reset"));
    expect(apply).not.toHaveAttribute("aria-disabled", "true");
  });

  it("chosen anew have the rows checked anew, and the figures stay until then", async () => {
    const page = await checked();
    page.app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.click(button("Check again"));
    expect(await screen.findByText("Your file is being checked. Nothing is changed by that.")).toBeVisible();
    expect(column("Tags")).toHaveDisplayValue("Left out");
    expect(await figures()).toEqual(["New 2", "To be completed 1", "Unchanged 1", "Faulty 2"]);
    expect(screen.getByRole("region", { name: "2 faulty rows" })).toBeVisible();
    page.app.bulk.jobs.finish();
    await screen.findByRole("button", { name: "Import 2 contacts" });
    expect(await figures()).toEqual(["New 2", "To be completed 0", "Unchanged 2", "Faulty 2"]);
  });

  it("that are chosen while a check runs are kept for the next one", async () => {
    const page = await checked();
    page.app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.click(button("Check again"));
    await screen.findByText("Your file is being checked. Nothing is changed by that.");
    await page.user.selectOptions(column("Phone"), "Left out");
    expect(button("Check again")).toHaveAccessibleDescription(
      "1 column is changed and not checked yet. The check that is under way comes first.",
    );
    await page.user.click(button("Check again"));
    expect(sent(page.app)).toHaveLength(1);
    page.app.bulk.jobs.finish();
    await screen.findByRole("button", { name: "Import 2 contacts" });
    expect(column("Phone")).toHaveDisplayValue("Left out");
    expect(column("Phone")).toHaveAccessibleDescription("Changed");
    page.app.bulk.jobs.takes = 0;
    await page.user.click(button("Check again"));
    await waitFor(() => expect(sent(page.app)).toHaveLength(2));
    await waitFor(() => expect(button("Import 2 contacts")).not.toHaveAttribute("aria-disabled", "true"));
    expect(page.app.bulk.kept[0]?.shown.columns.map(({ field }) => field)).toEqual([
      "name",
      "emails",
      null,
      null,
      null,
    ]);
  });

  it("that are chosen while others are on their way are kept, too", async () => {
    const page = await checked();
    const arrive = page.app.delay("/api/v1/people-imports/import-1");
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.click(button("Check again"));
    await page.user.selectOptions(column("Tags"), "Source");
    await page.user.selectOptions(column("Phone"), "Left out");
    await page.user.click(button("Check again"));
    expect(sent(page.app)).toHaveLength(1);
    arrive();
    await waitFor(() => expect(screen.getAllByText("Changed")).toHaveLength(2));
    expect(column("Tags")).toHaveDisplayValue("Source");
    expect(column("Phone")).toHaveDisplayValue("Left out");
  });

  it("without names complete whom one knows, as when a file only has addresses and tags", async () => {
    const file = csv("Email,Tags\ncarla@mail.example,Seller\nnobody@mail.example,Seller\n");
    const page = await checked(as("user-1"), file);
    const apply = button("Import 1 contact");
    expect(apply).toHaveAccessibleDescription("1 faulty row is left out.");
    expect(apply).not.toHaveAttribute("aria-disabled", "true");
    await page.user.click(apply);
    expect(await screen.findByText("Imported: 0 added, 1 completed. 1 faulty row was left out.")).toBeVisible();
  });

  it("without one that is needed leave nothing to import, and the button says which", async () => {
    const page = await checked(as("user-1"), csv("Name,Email\nNina New,nina@mail.example\n"));
    await page.user.selectOptions(column("Name"), "Left out");
    await page.user.click(button("Check again"));
    const apply = await screen.findByRole("button", { name: "Import 0 contacts" });
    expect(apply).toHaveAttribute("aria-disabled", "true");
    expect(apply).toHaveAccessibleDescription("Choose below which column holds the name.");
    await page.user.click(apply);
    expect(page.app.log.some((line) => line.includes("/application"))).toBe(false);
  });

  it("that were changed in another window are shown as they are now, with what was chosen here", async () => {
    const page = await checked();
    const kept = page.app.bulk.kept[0];
    if (kept) Object.assign(kept.shown, { version: kept.shown.version + 1, file_name: "renamed.csv" });
    await page.user.selectOptions(column("Tags"), "Left out");
    await page.user.click(button("Check again"));
    expect(await screen.findByRole("alert")).toHaveTextContent("changed in another window");
    expect(await screen.findByRole("heading", { level: 1, name: "Import of renamed.csv" })).toBeVisible();
    expect(column("Tags")).toHaveDisplayValue("Left out");
    expect(column("Tags")).toHaveAccessibleDescription("Changed");
    await page.user.click(button("Check again"));
    expect(await screen.findByRole("button", { name: "Import 2 contacts" })).toBeVisible();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("refused by the server say why and stay chosen, to be mended", async () => {
    const page = await checked();
    const errors = [{ pointer: "/mapping/Remark", detail: "Another column fills source." }];
    page.app.failures.set("/api/v1/people-imports/import-1", () =>
      problem(422, "The request is not valid", { errors }),
    );
    await page.user.selectOptions(column("Remark"), "Source");
    await page.user.click(button("Check again"));
    expect(await screen.findByRole("alert")).toHaveTextContent("Another column fills source.");
    expect(column("Remark")).toHaveDisplayValue("Source");
    await page.user.click(button("Reset"));
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("whose names are words of the language are columns like others", async () => {
    await checked(as("user-1"), csv("Name,constructor\nNina New,x\n"));
    expect(column("constructor")).toHaveDisplayValue("Left out");
    expect(screen.queryByText("Changed")).toBeNull();
  });

  it("of a file that is being imported cannot be chosen", async () => {
    const app = as("user-1");
    const page = await checked(app);
    app.bulk.jobs.takes = Number.POSITIVE_INFINITY;
    await page.user.click(button("Import 3 contacts"));
    await screen.findByText(/^Your contacts are being imported/);
    const columns = screen.getByRole("region", { name: "Columns" });
    expect(within(columns).queryByRole("combobox")).toBeNull();
    expect(within(columns).queryByRole("button")).toBeNull();
  });
});
