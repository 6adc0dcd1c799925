/** A task as its form holds it, and what of it is to be saved. */
import type { Task, TaskChange } from "@/shared/api/types";
import { isKnownZone, ownZone, toInstant, toLocal } from "@/shared/lib/zone-time";

export interface TaskDraft {
  title: string;
  /** As `<input type="datetime-local">` writes it, in `zone`; empty: no time. */
  due: string;
  zone: string;
  /** Empty: nobody. */
  assignee: string;
}

/** A zone in which times can be shown and typed: the task's or the brokerage's, if the browser knows it. */
const zoneOf = (task: Task | undefined, home: string): string =>
  [task?.time_zone ?? home, home].find(isKnownZone) ?? ownZone();

/** What the form begins with: a task, or a new one for `self`. */
export function draftOf(task: Task | undefined, { home, self }: { home: string; self: string }): TaskDraft {
  const zone = zoneOf(task, home);
  return {
    title: task?.title ?? "",
    due: task?.due_at ? toLocal(task.due_at, zone) : "",
    zone,
    assignee: task ? (task.assigned_to?.id ?? "") : self,
  };
}

/** All that a draft says. */
export const valuesOf = ({ title, due, zone, assignee }: TaskDraft) => ({
  title: title.trim(),
  due_at: due ? toInstant(due, zone) : null,
  time_zone: zone,
  assigned_to: assignee || null,
});

/** What differs from the draft that the form began with. Time and zone belong together; neither goes without the other. */
export function changeOf(start: TaskDraft, draft: TaskDraft): TaskChange {
  const { title, due_at, time_zone, assigned_to } = valuesOf(draft);
  return {
    ...(title !== start.title && { title }),
    ...((draft.due !== start.due || draft.zone !== start.zone) && { due_at, time_zone }),
    ...(draft.assignee !== start.assignee && { assigned_to }),
  };
}
