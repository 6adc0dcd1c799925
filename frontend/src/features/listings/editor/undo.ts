/** Steps back and forth. Typing in one field is one step until the field is left or another is edited. */
import type { EditName } from "./fields";
import type { Value } from "./values";

export interface Step {
  name: EditName;
  before: Value;
  after: Value;
}

export class UndoStack {
  #done: Step[] = [];
  #undone: Step[] = [];
  #open: EditName | undefined;

  get undoable(): EditName | undefined {
    return this.#done.at(-1)?.name;
  }
  get redoable(): EditName | undefined {
    return this.#undone.at(-1)?.name;
  }

  record(step: Step): void {
    const last = this.#done.at(-1);
    if (last && this.#open === step.name && last.name === step.name) last.after = step.after;
    else this.#done.push({ ...step });
    this.#open = step.name;
    this.#undone = [];
  }

  /** The next change is a step of its own. */
  close(): void {
    this.#open = undefined;
  }

  undo(): Step | undefined {
    return this.#move(this.#done, this.#undone);
  }
  redo(): Step | undefined {
    return this.#move(this.#undone, this.#done);
  }

  #move(from: Step[], to: Step[]): Step | undefined {
    this.close();
    const step = from.pop();
    if (step) to.push(step);
    return step;
  }
}
