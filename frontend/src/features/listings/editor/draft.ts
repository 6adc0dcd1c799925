/**
 * One listing being edited: what the server has, what is not there yet, and how it gets there.
 *
 * Edits leave one request at a time, each over the version that the one before brought back; what is edited meanwhile
 * waits. Nothing typed is ever dropped: a refusal holds the field back with its message, a conflict holds it back until
 * someone decides, without a connection all of it stays in this browser.
 */
import { ApiProblem, explain, isStatus } from "@/shared/api/problem";
import type { PropertyDetail } from "@/shared/api/types";
import {
  accepted,
  currentValue,
  type DraftPort,
  type DraftState,
  isEmpty,
  isOffline,
  isOlder,
  isPassing,
  leftToSend,
  type News,
  opened,
  problemsOf,
  sendable,
  settled,
  withoutLost,
  withValue,
} from "./draft-state";
import { type EditName, photoEdit } from "./fields";
import { type Edits, rebase } from "./rebase";
import { type Step, UndoStack } from "./undo";
import { isSame, type Value } from "./values";

const SAVE_AFTER_MS = 800;
const RETRY_MS = [2_000, 5_000, 15_000, 30_000];

export class Draft {
  #state: DraftState;
  #undo = new UndoStack();
  #listeners = new Set<() => void>();
  #timer: number | undefined;
  #tail: Promise<void> = Promise.resolve();
  #due = false;
  #failures = 0;
  /** Read while a request was under way. */
  #seen: PropertyDetail | undefined;
  #port: DraftPort;

  constructor(listing: PropertyDetail, port: DraftPort) {
    this.#port = port;
    this.#state = opened(listing, port.stored.read());
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  snapshot = (): DraftState => this.#state;

  /** Follows the connection, and sends what an earlier visit left behind. */
  start(): () => void {
    const online = () => void this.flush();
    window.addEventListener("online", online);
    if (this.isUnsent) void this.flush();
    return () => {
      window.removeEventListener("online", online);
      window.clearTimeout(this.#timer);
      this.#timer = undefined;
    };
  }

  get isUnsent(): boolean {
    return !isEmpty(this.#state.edits);
  }

  value(name: EditName): Value {
    return currentValue(this.#state, name);
  }

  change(name: EditName, value: Value): void {
    const before = this.value(name);
    if (isSame(before, value)) return;
    this.#undo.record({ name, before, after: value });
    this.#put(name, value);
  }

  /** A field was left: its edit is complete. */
  leave(): void {
    this.#undo.close();
    if (this.#timer !== undefined) void this.flush();
  }

  undo(): EditName | undefined {
    return this.#step(this.#undo.undo(), "before");
  }
  redo(): EditName | undefined {
    return this.#step(this.#undo.redo(), "after");
  }

  /** Sends what can be sent, after what is under way. */
  flush(): Promise<void> {
    window.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = true;
    this.#tail = this.#tail.then(() => this.#sendDue());
    return this.#tail;
  }

  /** Another kind of change to the listing, in its turn. Its failure is the caller's to show. */
  act(ask: (version: number) => Promise<PropertyDetail>): Promise<PropertyDetail> {
    void this.flush();
    const done = this.#tail.then(async () => {
      try {
        const listing = await ask(this.#state.base.version);
        this.#accept(listing);
        return listing;
      } catch (error) {
        if (isStatus(error, 412)) await this.#meet(error);
        if (isStatus(error, 422)) this.#update({ problems: { ...this.#state.problems, ...problemsOf(error) } });
        throw error;
      }
    });
    const ended = () => undefined;
    this.#tail = done.then(ended, ended);
    return done;
  }

  /** The listing as the server has it now, read for another reason. */
  refresh(listing: PropertyDetail): void {
    const { base, sending } = this.#state;
    this.#seen = sending && listing;
    if (sending || listing === base || isOlder(listing, base)) return;
    this.#rebase(listing, { by: null, at: listing.updated_at });
    if (this.#timer === undefined && !isEmpty(sendable(this.#state))) this.#schedule(SAVE_AFTER_MS);
  }

  keepMine(name: EditName): void {
    const { [name]: _, ...conflicts } = this.#state.conflicts;
    this.#update({ conflicts });
    void this.flush();
  }

  /** Mine stays within reach: it is one step back. */
  takeTheirs(name: EditName): void {
    const conflict = this.#state.conflicts[name];
    if (!conflict) return;
    this.#undo.close();
    this.#undo.record({ name, before: this.value(name), after: conflict.theirs });
    this.#undo.close();
    const { [name]: _mine, ...edits } = this.#state.edits;
    const { [name]: _conflict, ...conflicts } = this.#state.conflicts;
    this.#update({ edits, conflicts });
    void this.flush();
  }

  dismissNews(): void {
    this.#update({ news: undefined });
  }

  #step(step: Step | undefined, side: "before" | "after"): EditName | undefined {
    if (step) this.#put(step.name, step[side]);
    return step?.name;
  }

  #put(name: EditName, value: Value): void {
    this.#update(withValue(this.#state, name, value));
    this.#schedule(SAVE_AFTER_MS);
  }

  #schedule(delay: number): void {
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.flush(), delay);
  }

  async #sendDue(): Promise<void> {
    if (!this.#due) return;
    this.#due = false;
    const sending = sendable(this.#state);
    if (isEmpty(sending)) return this.#update({ save: settled(this.#state) });
    this.#update({ sending, save: { kind: "saving" } });
    try {
      const listing = await this.#port.send(sending, this.#state.base);
      // What was read after an edit of a photo may hold changes by others as well.
      if (Object.keys(sending).some(photoEdit)) this.#rebase(listing, { by: null, at: listing.updated_at });
      this.#accept(listing);
    } catch (error) {
      this.#update({ sending: undefined });
      await this.#refused(error, sending);
    }
    if (this.#seen) this.refresh(this.#seen);
  }

  #accept(listing: PropertyDetail): void {
    this.#failures = 0;
    this.#update(accepted(this.#state, listing, new Date()));
    this.#port.onSaved(listing);
    if (this.#timer === undefined && !isEmpty(sendable(this.#state))) void this.flush();
  }

  async #refused(error: unknown, sent: Edits): Promise<void> {
    if (isStatus(error, 412)) return this.#meet(error);
    if (isStatus(error, 422)) {
      const problems = problemsOf(error);
      this.#update({ problems: { ...this.#state.problems, ...problems } });
      if (Object.keys(problems).some((name) => name in sent)) return void this.flush();
    }
    if (isStatus(error, 404, 410)) this.#update(withoutLost(this.#state, sent));
    if (isStatus(error, 401)) this.#port.onSessionEnded();
    this.#fail(error);
  }

  #fail(error: unknown): void {
    const kept = this.#port.stored.write(leftToSend(this.#state));
    this.#update({ save: isOffline(error) ? { kind: "offline", kept } : { kind: "failed", ...explain(error) } });
    if (!isPassing(error)) return;
    const asked = error instanceof ApiProblem ? (error.retryAfter ?? 0) * 1000 : 0;
    this.#schedule(Math.max(asked, RETRY_MS[Math.min(this.#failures++, RETRY_MS.length - 1)] ?? 0));
  }

  /** Someone else was faster: what does not collide goes on, the rest waits for a decision. */
  async #meet({ body }: ApiProblem): Promise<void> {
    const { changed_by: by = null, changed_at: at = null } = body;
    try {
      const listing = await this.#port.load();
      this.#rebase(listing, { by, at: at ?? listing.updated_at });
      this.#port.onSaved(listing);
      void this.flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  #rebase(listing: PropertyDetail, who: Pick<News, "by" | "at">): void {
    const before = this.#state;
    const { edits, conflicts, news } = rebase(before.edits, before.base, listing, before.conflicts);
    const isNew = !isEmpty(news) || Object.keys(conflicts).some((name) => !(name in before.conflicts));
    const next = { ...before, base: listing, edits, conflicts, news: isNew ? { ...who, changes: news } : before.news };
    this.#update({ ...next, save: settled(next) });
  }

  #update(change: Partial<DraftState>): void {
    const { undoable, redoable } = this.#undo;
    this.#state = { ...this.#state, ...change, undoable, redoable };
    if ("edits" in change) this.#port.stored.write(leftToSend(this.#state));
    for (const listener of this.#listeners) listener();
  }
}
