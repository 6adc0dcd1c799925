import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const names = (app: FakeApp) => app.crm.stages.map(({ name }) => name);

describe("the stages", () => {
  it("are added at the end, and a name that is taken is marked", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Add stage" }));
    const dialog = await screen.findByRole("dialog", { name: "New stage" });
    await page.user.type(within(dialog).getByLabelText("Name"), "Pending");
    await page.user.click(within(dialog).getByRole("button", { name: "Add stage" }));
    await waitFor(() => expect(within(dialog).getByLabelText("Name")).toHaveAccessibleDescription(/Another stage/));
    await page.user.type(within(dialog).getByLabelText("Name"), " offers");
    await page.user.click(within(dialog).getByRole("button", { name: "Add stage" }));
    expect(await screen.findByText("Pending offers is added at the end.")).toBeVisible();
    expect(names(page.app).at(-1)).toBe("Pending offers");
  });

  it("are reordered by keyboard alone, announced, and the focus stays", async () => {
    const page = open("/settings/stages");
    const handle = await screen.findByRole("button", { name: /^Move Nurture: / });
    handle.focus();
    await page.user.keyboard("{ArrowUp}{ArrowUp}");
    expect(await screen.findByText("Nurture is number 1 of 6.")).toBeVisible();
    await waitFor(() => expect(names(page.app).slice(0, 3)).toEqual(["Nurture", "Lead", "Hot Prospect"]));
    expect(screen.getByRole("button", { name: /^Move Nurture: / })).toHaveFocus();
  });

  it("count each key, also when several come before the page is drawn", async () => {
    const page = open("/settings/stages");
    const handle = await screen.findByRole("button", { name: /^Move Closed: / });
    act(() => {
      for (let presses = 0; presses < 2; presses++)
        handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }));
    });
    expect(await screen.findByText("Closed is number 4 of 6.")).toBeVisible();
    await waitFor(() => expect(names(page.app).indexOf("Closed")).toBe(3));
  });

  it("do not jump back between the answers to several quick moves", async () => {
    const page = open("/settings/stages");
    const orders = () => page.app.log.filter((line) => line === "PUT /api/v1/stages/order").length;
    (await screen.findByRole("button", { name: /^Move Closed: / })).focus();
    const answerFirst = page.app.hold("/api/v1/stages/order");
    await page.user.keyboard("{ArrowUp}");
    expect(await screen.findByText("Closed is number 5 of 6.")).toBeVisible();
    await page.user.keyboard("{ArrowUp}");
    expect(await screen.findByText("Closed is number 4 of 6.")).toBeVisible();
    const answerSecond = page.app.hold("/api/v1/stages/order");
    answerFirst();
    await waitFor(() => expect(orders()).toBe(2));
    await page.user.keyboard("{ArrowUp}");
    expect(await screen.findByText("Closed is number 3 of 6.")).toBeVisible();
    answerSecond();
    await waitFor(() => expect(names(page.app).indexOf("Closed")).toBe(2));
  });

  it("are reordered by buttons, and stay as they were when the app refuses", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Move Lead down" }));
    await waitFor(() => expect(names(page.app)[1]).toBe("Lead"));
    page.app.failures.set("/api/v1/stages/order", () => problem(503, "Away"));
    await page.user.click(screen.getByRole("button", { name: "Move Lead up" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("The order is as it was.");
    await waitFor(() =>
      expect(within(screen.getByRole("list", { name: "Stages" })).getAllByRole("listitem")[0]).toHaveTextContent(
        "Hot Prospect",
      ),
    );
  });

  it("are renamed, also when someone else was quicker", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Rename Closed" }));
    const dialog = await screen.findByRole("dialog");
    await page.user.type(within(dialog).getByLabelText("Name"), " deals");
    Object.assign(page.app.crm.stages[5] ?? {}, { version: 4 });
    await page.user.click(within(dialog).getByRole("button", { name: "Rename" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("What you typed is still here");
    await page.user.click(within(dialog).getByRole("button", { name: "Rename" }));
    expect(await screen.findByText("The stage is called Closed deals now.")).toBeVisible();
  });

  it("with contacts in them are removed together with where those go", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Remove Hot Prospect" }));
    const dialog = await screen.findByRole("dialog", { name: "Remove Hot Prospect?" });
    await page.user.selectOptions(within(dialog).getByLabelText("Where 1 contact goes"), "Nurture");
    await page.user.click(within(dialog).getByRole("button", { name: "Remove stage" }));
    expect(await screen.findByText("Hot Prospect is removed.")).toHaveFocus();
    expect(page.app.crm.contacts.find(({ id }) => id === "contact-3")?.stage_id).toBe("stage-2");
    expect(names(page.app)).not.toContain("Hot Prospect");
  });

  it("that got contacts meanwhile ask where they go", async () => {
    const page = open("/settings/stages");
    await page.user.click(await screen.findByRole("button", { name: "Remove Closed" }));
    const dialog = await screen.findByRole("dialog");
    Object.assign(page.app.crm.contacts[0] ?? {}, { stage_id: "stage-5" });
    await page.user.click(within(dialog).getByRole("button", { name: "Remove stage" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("1 contact is in it by now: say where they go.");
    await page.user.click(within(dialog).getByRole("button", { name: "Remove stage" }));
    expect(await screen.findByText("Closed is removed.")).toBeVisible();
  });

  it("are not for agents to change", async () => {
    const app = new FakeApp();
    app.signIn("user-3");
    open("/settings/stages", app);
    expect(await screen.findByRole("heading", { name: "Your role does not open this page" })).toBeVisible();
  });
});
