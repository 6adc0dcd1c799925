/** What stands between the form and the server, and the rules over it. Pure. */
import { ApiProblem } from "@/shared/api/problem";
import type { PropertyDetail } from "@/shared/api/types";
import { type EditName, PHOTO_ORDER, photoEdit } from "./fields";
import { type Change, type Conflicts, type Edits, held, rebase } from "./rebase";
import type { StoredEdits, StoredEditsOf } from "./stored";
import { isSame, isUnfinished, type Value } from "./values";

export type SaveState =
  | { kind: "clean" | "waiting" | "saving" | "held" }
  | { kind: "saved"; at: Date }
  /** `kept`: the browser had room to keep them. */
  | { kind: "offline"; kept: boolean }
  | { kind: "failed"; message: string; requestId?: string | undefined };

/** Who changed what meanwhile, as far as the server says. */
export interface News {
  by: string | null;
  at: string | null;
  changes: Partial<Record<EditName, Change>>;
}

export interface DraftState {
  /** The listing as the server has it. */
  base: PropertyDetail;
  /** What it does not have yet, under way or not. */
  edits: Edits;
  sending: Edits | undefined;
  /** Why a field was refused; it waits until it is changed. */
  problems: Partial<Record<EditName, string>>;
  conflicts: Conflicts;
  news: News | undefined;
  save: SaveState;
  undoable: EditName | undefined;
  redoable: EditName | undefined;
}

export interface DraftPort {
  load: () => Promise<PropertyDetail>;
  /** Fields together, or one edit of the photos. */
  send: (edits: Edits, base: PropertyDetail) => Promise<PropertyDetail>;
  stored: StoredEditsOf;
  onSaved: (listing: PropertyDetail) => void;
  onSessionEnded: () => void;
}

export const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

export const isOffline = (error: unknown): boolean => error instanceof TypeError;

/** Worth another try without anyone's doing. */
export const isPassing = (error: unknown): boolean =>
  isOffline(error) || (error instanceof ApiProblem && (error.status >= 500 || [408, 425, 429].includes(error.status)));

/** Photos change without a new version; then the time tells what was read before the last answer. */
export const isOlder = (listing: PropertyDetail, base: PropertyDetail): boolean =>
  listing.version < base.version ||
  (listing.version === base.version && Date.parse(listing.updated_at) < Date.parse(base.updated_at));

export const currentValue = ({ base, edits }: DraftState, name: EditName): Value =>
  name in edits ? (edits[name] ?? null) : held(base, name);

const PLACE = ["latitude", "longitude"] as const;

/** Which half of a place on the map is still missing, as while the other is being typed: they are sent together. */
export function missingHalf(state: DraftState): (typeof PLACE)[number] | undefined {
  const halves = PLACE.filter((name) => {
    const value = currentValue(state, name);
    return value === null || isUnfinished(value);
  });
  return halves.length === 1 ? halves[0] : undefined;
}

const isOfPhotos = (name: string): boolean => name === PHOTO_ORDER || photoEdit(name) !== undefined;

/** What may leave now: nothing unfinished, refused or in conflict; each edit of the photos in a request of its own. */
export function sendable(state: DraftState): Edits {
  const { edits, problems, conflicts } = state;
  const kept: readonly string[] = missingHalf(state) ? PLACE : [];
  const ready = Object.entries(edits).filter(
    ([name, value]) => !isUnfinished(value) && !(name in problems) && !(name in conflicts) && !kept.includes(name),
  );
  const fields = ready.filter(([name]) => !isOfPhotos(name));
  return Object.fromEntries(fields.length > 0 ? fields : ready.slice(0, 1));
}

export function settled(state: DraftState, at?: Date): SaveState {
  if (!isEmpty(sendable(state))) return { kind: "waiting" };
  if (!isEmpty(state.edits)) return { kind: "held" };
  if (at) return { kind: "saved", at };
  return state.save.kind === "saved" ? state.save : { kind: "clean" };
}

/** A field gets a value; back at what the server has, nothing is left to send. */
export function withValue(state: DraftState, name: EditName, value: Value): DraftState {
  const { base, sending } = state;
  const { [name]: _edit, ...others } = state.edits;
  const { [name]: _problem, ...problems } = state.problems;
  const { [name]: conflict, ...conflicts } = state.conflicts;
  const isBack = isSame(value, held(base, name)) && !(sending && name in sending);
  const next: DraftState = {
    ...state,
    edits: isBack ? others : { ...others, [name]: value },
    problems,
    conflicts: conflict && !isBack ? { ...conflicts, [name]: conflict } : conflicts,
  };
  return { ...next, save: settled(next) };
}

/** The server has what was sent; what was edited since stays. */
export function accepted(state: DraftState, listing: PropertyDetail, at: Date): DraftState {
  const { edits, sending = {} } = state;
  const left = Object.entries(edits).filter(
    ([name, value]) => !(name in sending && isSame(value, sending[name as EditName])),
  );
  const next: DraftState = { ...state, base: listing, edits: Object.fromEntries(left), sending: undefined };
  return { ...next, save: settled(next, at) };
}

/** The messages of a refusal that belong to fields of the listing, by the first part of their pointers. */
export function problemsOf(error: ApiProblem): DraftState["problems"] {
  const named = (error.body.errors ?? []).map(({ pointer, detail }) => [pointer.split("/")[1] ?? "", detail]);
  return Object.fromEntries(named);
}

/** The unconfirmed edits with what their fields held before. */
export function leftToSend({ base, edits, conflicts }: DraftState) {
  if (isEmpty(edits)) return undefined;
  const names = Object.keys(edits) as EditName[];
  const was: Edits = Object.fromEntries(names.map((name) => [name, conflicts[name]?.was ?? held(base, name)]));
  return { version: base.version, edits, was };
}

/** A listing as it is opened, with what an earlier visit could not send. */
export function opened(listing: PropertyDetail, stored: StoredEdits | undefined): DraftState {
  const before = stored ? ({ ...listing, ...stored.was } as PropertyDetail) : listing;
  const { edits, conflicts } = rebase(stored?.edits ?? {}, before, listing);
  return {
    base: listing,
    edits,
    sending: undefined,
    problems: {},
    conflicts,
    news: isEmpty(conflicts) ? undefined : { by: null, at: listing.updated_at, changes: {} },
    save: { kind: isEmpty(edits) ? "clean" : "waiting" },
    undoable: undefined,
    redoable: undefined,
  };
}

/** Edits of a photo that is not there any more have lost their object. */
export function withoutLost(state: DraftState, sent: Edits): DraftState {
  const left = Object.entries(state.edits).filter(([name]) => !(name in sent && photoEdit(name)));
  return { ...state, edits: Object.fromEntries(left) };
}
