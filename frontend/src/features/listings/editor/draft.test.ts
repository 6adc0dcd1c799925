import { describe, expect, it } from "vitest";
import type { PropertyDetail } from "@/shared/api/types";
import { makeHome } from "@/testing/homes";
import { Draft } from "./draft";
import type { Edits } from "./rebase";

const photo = (id: string) => ({ id, description: null }) as PropertyDetail["photos"][number];

/** The same version throughout: photos have none. */
const listing = (minute: number, ...photos: string[]): PropertyDetail => ({
  ...makeHome(0),
  version: 3,
  updated_at: `2026-10-30T15:0${minute}:00Z`,
  photos: photos.map(photo),
});

/** A draft whose requests are answered by hand. */
function draftOf(base: PropertyDetail) {
  const sent: Edits[] = [];
  const answers: ((answer: PropertyDetail) => void)[] = [];
  const draft = new Draft(base, {
    load: () => Promise.reject(new Error("nothing is loaded here")),
    send: (edits) => {
      sent.push(edits);
      return new Promise((resolve) => answers.push(resolve));
    },
    stored: { read: () => undefined, write: () => true },
    onSaved: () => undefined,
    onSessionEnded: () => undefined,
  });
  return { draft, sent, answer: (with_: PropertyDetail) => answers.shift()?.(with_) };
}

const turns = () => new Promise((resolve) => setTimeout(resolve));

describe("a listing that is read while a request is under way", () => {
  it("does not undo what the request did, when it is older than the answer", async () => {
    const { draft, sent, answer } = draftOf(listing(0, "front", "garden"));
    draft.change("deleted:front", true);
    void draft.flush();
    await turns();
    draft.refresh(listing(1, "front", "garden"));
    draft.change("deleted:front", false);
    void draft.flush();
    answer(listing(2, "garden"));
    await turns();
    expect(sent).toEqual([{ "deleted:front": true }, { "deleted:front": false }]);
    answer(listing(3, "front", "garden"));
    await turns();
    expect(draft.snapshot()).toMatchObject({ edits: {}, save: { kind: "saved" } });
    expect(draft.value("deleted:front")).toBe(false);
  });

  it("is taken in when it is newer", async () => {
    const { draft, answer } = draftOf(listing(0, "front", "garden"));
    draft.change("deleted:front", true);
    void draft.flush();
    await turns();
    draft.refresh(listing(3, "garden", "porch"));
    answer(listing(2, "garden"));
    await turns();
    expect(draft.snapshot().base.photos.map(({ id }) => id)).toEqual(["garden", "porch"]);
  });
});
