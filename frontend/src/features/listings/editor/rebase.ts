/** Edits of mine over a listing that another has changed meanwhile: what is settled, what collides, what is news. Pure. */
import type { PropertyDetail } from "@/shared/api/types";
import { type EditName, FIELDS, type FieldName, PHOTO_ORDER, photoEdit } from "./fields";
import { isSame, type Value } from "./values";

export type Edits = Partial<Record<EditName, Value>>;

export interface Change {
  from: Value;
  to: Value;
}

export interface Conflict {
  /** What the field held when I began to edit it, and what the other has put there. */
  was: Value;
  theirs: Value;
}

export type Conflicts = Partial<Record<EditName, Conflict>>;

export interface Rebased {
  edits: Edits;
  conflicts: Conflicts;
  /** What the other changed where I have edited nothing. */
  news: Partial<Record<EditName, Change>>;
}

const photoIds = (listing: PropertyDetail): string[] => listing.photos.flatMap(({ id }) => id ?? []);

/** What the server's listing holds in a field. A draft without a price is given as one that costs nothing. */
export function held(listing: PropertyDetail, name: EditName): Value {
  if (name === PHOTO_ORDER) return photoIds(listing);
  const edit = photoEdit(name);
  if (edit) {
    const photo = listing.photos.find(({ id }) => id === edit.photo);
    return edit.what === "deleted" ? photo === undefined : (photo?.description ?? null);
  }
  if (name === "list_price" && listing.list_price.amount === 0) return null;
  return listing[name as FieldName] ?? null;
}

/** A photo that is gone cannot be described any more. */
const isMoot = (listing: PropertyDetail, name: EditName): boolean => {
  const edit = photoEdit(name);
  return edit?.what === "description" && !photoIds(listing).includes(edit.photo);
};

/** An order of mine over the photos that there are now: gone ones drop out, new ones come last. */
export function orderOver(listing: PropertyDetail, order: readonly string[]): string[] {
  const present = photoIds(listing);
  return [...order.filter((id) => present.includes(id)), ...present.filter((id) => !order.includes(id))];
}

export function rebase(edits: Edits, before: PropertyDetail, now: PropertyDetail, open: Conflicts = {}): Rebased {
  const rebased: Rebased = { edits: {}, conflicts: {}, news: {} };
  for (const name of Object.keys(edits) as EditName[]) {
    const mine = edits[name] ?? null;
    const theirs = held(now, name);
    if (name === PHOTO_ORDER) {
      const order = orderOver(now, mine as string[]);
      if (!isSame(order, theirs)) rebased.edits[name] = order;
      continue;
    }
    if (isSame(mine, theirs) || isMoot(now, name)) continue;
    rebased.edits[name] = mine;
    const was = open[name]?.was ?? held(before, name);
    if (!name.startsWith("deleted:") && !isSame(was, theirs)) rebased.conflicts[name] = { was, theirs };
  }
  for (const { name } of FIELDS) {
    const change = { from: held(before, name), to: held(now, name) };
    if (!(name in edits) && !isSame(change.from, change.to)) rebased.news[name] = change;
  }
  return rebased;
}
