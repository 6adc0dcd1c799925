import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { FakeApp, problem } from "@/testing/fake-app";
import { open } from "@/testing/open";

const UPLOADS = "/api/v1/properties/own-active/photos";
const picture = (name = "porch.jpg", type = "image/jpeg", bytes = "a picture") => new File([bytes], name, { type });

async function edit() {
  const page = open("/listings/own-active/edit", new FakeApp({ own: 3, signedIn: true }));
  await screen.findByRole("heading", { name: "Photos" });
  return page;
}
const photos = () => within(screen.getByRole("list", { name: "Photos" })).getAllByRole("listitem");
const tile = (place: number) => within(photos()[place] as HTMLElement);
const order = (app: FakeApp) => app.editing.home("own-active").photos.map(({ id }) => id);
const way = () => screen.findByRole("list", { name: "Photos on their way" });

describe("adding photos", () => {
  it("sends several, shows each on its way, and follows them until they are ready", async () => {
    const page = await edit();
    const release = page.app.hold(UPLOADS);
    await page.user.upload(screen.getByLabelText("Photos to add"), [picture(), picture("hall.png", "image/png")]);
    expect(within(await way()).getAllByRole("progressbar")).toHaveLength(2);
    release();
    await waitFor(() => expect(photos()).toHaveLength(5));
    expect(screen.queryByRole("list", { name: "Photos on their way" })).toBeNull();
    expect(tile(4).getByText("Being prepared")).toBeVisible();
    page.app.editing.develop();
    await waitFor(() =>
      expect(tile(4).getByRole("img")).toHaveAttribute("src", expect.stringContaining("size=medium")),
    );
  });

  it("takes what is dropped", async () => {
    const page = await edit();
    const zone = document.querySelector("[data-drop-zone]") as HTMLElement;
    fireEvent.drop(zone, { dataTransfer: { files: [picture()], types: ["Files"] } });
    await waitFor(() => expect(order(page.app)).toHaveLength(4));
  });

  it("says at once what cannot be sent", async () => {
    const page = await edit();
    fireEvent.change(screen.getByLabelText("Photos to add"), {
      target: { files: [picture("plan.pdf", "application/pdf"), picture("empty.jpg", "image/jpeg", "")] },
    });
    expect(await way()).toHaveTextContent("plan.pdfRefused: Not a JPEG, PNG or WebP picture.");
    expect(await way()).toHaveTextContent("empty.jpgRefused: The file is empty.");
    expect(page.app.log.filter((line) => line.startsWith("POST"))).toHaveLength(0);
    await page.user.click(screen.getByRole("button", { name: "Dismiss plan.pdf" }));
    expect(await way()).not.toHaveTextContent("plan.pdf");
  });

  it("offers another try for what a failing server did not take", async () => {
    const page = await edit();
    page.app.failures.set(UPLOADS, () => problem(503, "No storage"));
    await page.user.upload(screen.getByLabelText("Photos to add"), picture());
    expect(await screen.findByText(/^Not sent: The server could not answer/)).toBeVisible();
    page.app.failures.clear();
    await page.user.click(screen.getByRole("button", { name: /^Retry/ }));
    await waitFor(() => expect(order(page.app)).toHaveLength(4));
  });

  it("offers none for a picture that the server refused", async () => {
    const page = await edit();
    await page.user.upload(screen.getByLabelText("Photos to add"), picture("bad.jpg", "image/jpeg", "x"));
    expect(await screen.findByText("Refused: The picture is damaged.")).toBeVisible();
    expect(screen.queryByRole("button", { name: /Retry/ })).toBeNull();
  });

  it("says so when there is no connection", async () => {
    const page = await edit();
    page.app.isOffline = true;
    await page.user.upload(screen.getByLabelText("Photos to add"), picture());
    expect(await screen.findByText(/^Not sent: The server could not be reached/)).toBeVisible();
  });
});

describe("the order of the photos", () => {
  it("is changed by buttons, is saved, and marks the cover", async () => {
    const page = await edit();
    expect(tile(0).getByText("Cover")).toBeVisible();
    await page.user.click(screen.getByRole("button", { name: "Move photo 1 of 3 later" }));
    expect(screen.getByText("Photo moved to place 2 of 3.")).toBeInTheDocument();
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-2", "own-active-1", "own-active-3"]));
    expect(tile(0).getByRole("img")).toHaveAccessibleName("The kitchen");
    expect(tile(0).getByText("Cover")).toBeVisible();
  });

  it("is changed by arrow keys on a photo's handle, which keeps the focus", async () => {
    const page = await edit();
    const handle = tile(2).getByRole("button", { name: /^Move photo 3 of 3: arrow keys/ });
    handle.focus();
    await page.user.keyboard("{ArrowLeft}{ArrowLeft}{ArrowLeft}");
    expect(handle).toHaveFocus();
    expect(screen.getByText("Photo moved to place 1 of 3, now the cover.")).toBeInTheDocument();
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-3", "own-active-1", "own-active-2"]));
  });

  it("is changed by a menu", async () => {
    const page = await edit();
    await page.user.click(tile(2).getByRole("button", { name: "Photo 3 of 3: more" }));
    await page.user.click(screen.getByRole("menuitem", { name: "Make it the cover" }));
    await waitFor(() => expect(order(page.app)[0]).toBe("own-active-3"));
  });

  it("is changed by dragging the handle over another photo; Escape gives it up", async () => {
    const page = await edit();
    const drag = (to: number) => {
      document.elementFromPoint = () => photos()[to] as HTMLElement;
      fireEvent.pointerDown(tile(0).getByRole("button", { name: /^Move photo 1 of 3: arrow/ }), { button: 0 });
      fireEvent.pointerMove(window, { clientX: 10, clientY: 300 });
    };
    drag(2);
    expect(tile(2).getByRole("img")).toHaveAccessibleName("The front");
    fireEvent.keyDown(window, { key: "Escape" });
    expect(tile(0).getByRole("img")).toHaveAccessibleName("The front");
    drag(1);
    fireEvent.pointerUp(window);
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-2", "own-active-1", "own-active-3"]));
  });

  it("is undone like any edit", async () => {
    const page = await edit();
    await page.user.click(screen.getByRole("button", { name: "Move photo 1 of 3 later" }));
    await waitFor(() => expect(order(page.app)[0]).toBe("own-active-2"));
    await page.user.click(screen.getByRole("button", { name: "Undo: Order of the photos" }));
    await waitFor(() => expect(order(page.app)[0]).toBe("own-active-1"));
  });

  it("survives a photo that another added meanwhile", async () => {
    const page = await edit();
    const home = page.app.editing.home("own-active");
    const added = { ...(home.photos[0] as (typeof home.photos)[0]), id: "theirs", description: "Theirs" };
    page.app.editing.changeBy("Ben Agent", "own-active", { photos: [...home.photos, added] });
    await page.user.click(screen.getByRole("button", { name: "Move photo 1 of 3 later" }));
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-2", "own-active-1", "own-active-3", "theirs"]));
    expect(screen.queryByText(/changed this listing/)).toBeNull();
  });
});

describe("a photo", () => {
  it("is described, which saves itself", async () => {
    const page = await edit();
    const box = screen.getByLabelText("Description of photo 1 of 3");
    expect(box).toHaveValue("The front");
    await page.user.type(box, " in May");
    await page.user.tab();
    await waitFor(() => expect(page.app.editing.home("own-active").photos[0]?.description).toBe("The front in May"));
    await waitFor(() => expect(tile(0).getByRole("img")).toHaveAccessibleName("The front in May"));
  });

  it("is deleted, and comes back to its place by Undo", async () => {
    const page = await edit();
    await page.user.click(tile(1).getByRole("button", { name: "Photo 2 of 3: more" }));
    await page.user.click(screen.getByRole("menuitem", { name: "Delete" }));
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-1", "own-active-3"]));
    expect(tile(1).getByRole("button", { name: /^Move photo 2 of 2: arrow/ })).toHaveFocus();
    await page.user.click(screen.getByRole("button", { name: "Undo", description: "" }));
    await waitFor(() => expect(order(page.app)).toEqual(["own-active-1", "own-active-2", "own-active-3"]));
    await waitFor(() => expect(photos()).toHaveLength(3));
    expect(screen.queryByText("Photo deleted")).toBeNull();
  });

  it("that could not be prepared says what to do", async () => {
    const page = await edit();
    const home = page.app.editing.home("own-active");
    page.app.editing.changeBy("Olivia Owner", "own-active", {
      photos: home.photos.map((photo, index) => (index === 2 ? { ...photo, state: "failed" as const } : photo)),
    });
    window.dispatchEvent(new Event("visibilitychange"));
    expect(await screen.findByText(/could not be prepared. Delete it and add it again/)).toBeVisible();
  });
});
