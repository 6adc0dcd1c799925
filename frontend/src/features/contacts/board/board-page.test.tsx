import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { refuse } from "@/testing/answers";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const column = (name: string) => screen.findByRole("region", { name: new RegExp(`^${name} ?\\d`) });
const card = (name: string) => screen.findByRole("link", { name });
const kept = (app: FakeApp, id: string) => app.crm.contacts.find((contact) => contact.id === id);

describe("the board", () => {
  it("has a column for each stage with its count, its first cards and the way to all of them", async () => {
    open("/contacts/board");
    expect(await column("Lead")).toHaveTextContent(/^Lead 2 contacts/);
    const many = await column("Active Client");
    expect(within(many).getAllByRole("listitem")).toHaveLength(20);
    expect(within(many).getByRole("link", { name: /^Show all 40 ?in Active Client/ })).toHaveAttribute(
      "href",
      "/contacts?stage=stage-3",
    );
    expect(await column("Closed")).toHaveTextContent("Nobody");
  });

  it("moves a card by its menu, says so, and the focus goes along", async () => {
    const page = open("/contacts/board");
    await page.user.click(await screen.findByRole("button", { name: "Move Carla Canary to…" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Pending" }));
    expect(await within(await column("Pending")).findByRole("link", { name: "Carla Canary" })).toHaveFocus();
    expect(await screen.findByText("Carla Canary moved to Pending, 1 contact.")).toHaveAttribute("role", "status");
    await waitFor(() => expect(kept(page.app, "contact-1")?.stage_id).toBe("stage-4"));
  });

  it("moves a card by keys, several stages in one go, each on the version before", async () => {
    const page = open("/contacts/board");
    (await card("Carla Canary")).focus();
    await page.user.keyboard("{Shift>}{ArrowRight}{ArrowRight}{/Shift}");
    expect(await within(await column("Nurture")).findByRole("link", { name: "Carla Canary" })).toHaveFocus();
    await waitFor(() => expect(kept(page.app, "contact-1")).toMatchObject({ stage_id: "stage-2", version: 5 }));
    expect(screen.queryByRole("alert")).toBeNull();
    await page.user.keyboard("{Shift>}{ArrowLeft}{/Shift}");
    await waitFor(() => expect(kept(page.app, "contact-1")).toMatchObject({ stage_id: "stage-1", version: 6 }));
  });

  it("goes from card to card by arrow keys and tells them by the cards", async () => {
    const page = open("/contacts/board");
    const first = await card("Carla Canary");
    expect(first).toHaveAccessibleDescription(/Shift with the left or right arrow moves a card/);
    first.focus();
    await page.user.keyboard("{ArrowDown}");
    expect(await card("Wanda Waiting")).toHaveFocus();
    await page.user.keyboard("{ArrowRight}");
    expect(await card("Henry Hot")).toHaveFocus();
    await page.user.keyboard("{ArrowLeft}");
    expect(first).toHaveFocus();
  });

  it("takes a card by pointer", async () => {
    const page = open("/contacts/board");
    const data = new Map<string, string>();
    const dataTransfer = {
      setData: (kind: string, value: string) => data.set(kind, value),
      getData: (kind: string) => data.get(kind) ?? "",
      get types() {
        return [...data.keys()];
      },
    };
    const dragged = (await card("Henry Hot")).closest("li") as HTMLElement;
    fireEvent.dragStart(dragged, { dataTransfer });
    fireEvent.dragOver(await column("Closed"), { dataTransfer });
    fireEvent.drop(await column("Closed"), { dataTransfer });
    await waitFor(() => expect(kept(page.app, "contact-3")?.stage_id).toBe("stage-5"));
  });

  it("puts a card back when somebody else was quicker, says who, and keeps the focus on it", async () => {
    const page = open("/contacts/board");
    (await card("Carla Canary")).focus();
    page.app.failures.set("/api/v1/people/contact-1/stage-changes", () => {
      Object.assign(kept(page.app, "contact-1") ?? {}, { version: 9 });
      return refuse(412, "version-conflict", "Someone else has changed this meanwhile.");
    });
    await page.user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(await screen.findByRole("alert")).toHaveTextContent("Carla Canary was not moved: someone else changed");
    const back = await within(await column("Lead")).findByRole("link", { name: "Carla Canary" });
    await waitFor(() => expect(back).toHaveFocus());
    page.app.failures.clear();
    await page.user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    await waitFor(() => expect(kept(page.app, "contact-1")).toMatchObject({ stage_id: "stage-1", version: 10 }));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });

  it("tells that a card was not moved, also when another was moved before the answer", async () => {
    const page = open("/contacts/board");
    const path = "/api/v1/people/contact-1/stage-changes";
    page.app.failures.set(path, () => problem(503, "Away"));
    const answer = page.app.hold(path);
    (await card("Carla Canary")).focus();
    await page.user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    (await card("Henry Hot")).focus();
    await page.user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    answer();
    await waitFor(() => expect(kept(page.app, "contact-3")?.stage_id).toBe("stage-2"));
    expect(await screen.findByRole("alert")).toHaveTextContent("Carla Canary was not moved.");
    expect(within(await column("Lead")).getByRole("link", { name: "Carla Canary" })).toBeVisible();
    page.app.failures.clear();
    (await card("Henry Hot")).focus();
    await page.user.keyboard("{Shift>}{ArrowLeft}{/Shift}");
    await waitFor(() => expect(kept(page.app, "contact-3")?.stage_id).toBe("stage-1"));
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });

  it("puts a card back when the app cannot be reached", async () => {
    const page = open("/contacts/board");
    await card("Carla Canary");
    page.app.failures.set("/api/v1/people/contact-1/stage-changes", () => problem(503, "Away"));
    await page.user.click(screen.getByRole("button", { name: "Move Carla Canary to…" }));
    await page.user.click(await screen.findByRole("menuitem", { name: "Closed" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("Carla Canary was not moved.");
    expect(within(await column("Lead")).getByRole("link", { name: "Carla Canary" })).toBeVisible();
  });

  it("leaves alone whom an agent may only claim", async () => {
    const app = new FakeApp();
    app.signIn("user-3");
    const page = open("/contacts/board", app);
    (await card("Wanda Waiting")).focus();
    expect(screen.queryByRole("button", { name: "Move Wanda Waiting to…" })).toBeNull();
    await page.user.keyboard("{Shift>}{ArrowRight}{/Shift}");
    expect(kept(app, "contact-2")?.stage_id).toBe("stage-0");
    expect(screen.queryByRole("link", { name: "Stages" })).toBeNull();
  });

  it("shares its filters with the list and leads back from a contact to the same card", async () => {
    const page = open("/contacts/board?assignee=user-3");
    await page.user.click(await card("Henry Hot"));
    await screen.findByRole("heading", { level: 1, name: "Henry Hot" });
    await page.user.click(screen.getByRole("link", { name: "Back to the board" }));
    expect(page.address()).toBe("/contacts/board?assignee=user-3");
    await waitFor(() => expect(screen.getByRole("link", { name: "Henry Hot" })).toHaveFocus());
  });

  it("says what failed and tries again", async () => {
    const app = new FakeApp({ signedIn: true });
    app.failures.set("/api/v1/people/board", () => problem(503, "Database down"));
    const page = open("/contacts/board", app);
    expect(await screen.findByText("The board could not be loaded")).toBeVisible();
    app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: "Try again" }));
    await card("Carla Canary");
  });
});
