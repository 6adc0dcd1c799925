/** What an entry of a timeline says, in words. */
import type { TimelineEntry } from "@/shared/api/types";
import { nameOf } from "@/shared/lib/name-of";

export const ACTIVITIES: Record<NonNullable<TimelineEntry["activity"]>, string> = {
  call: "Call",
  email: "Email",
  text: "Text message",
  meeting: "Meeting",
  viewing: "Viewing",
};

const REASONS: Record<NonNullable<TimelineEntry["reason"]>, string> = {
  listing_agent: "as the listing’s agent",
  captured: "having written the lead down",
  assigned: "",
  claimed: "by claiming",
  returned: "",
  departed: "because their colleague left",
};

function activity({ activity: kind, direction }: TimelineEntry): string {
  const what = ACTIVITIES[kind ?? "call"];
  if (direction === "incoming") return `${what}, from them`;
  return direction === "outgoing" ? `${what}, to them` : what;
}

function assignment({ from_user: from, to_user: to, reason }: TimelineEntry): string {
  const why = reason && REASONS[reason] ? `, ${REASONS[reason]}` : "";
  if (!to) return `Nobody looks after them any more${from ? `; it was ${nameOf(from)}` : ""}${why}`;
  return `${nameOf(to)} looks after them${from ? ` instead of ${nameOf(from)}` : ""}${why}`;
}

/** The line above an entry's own text. */
export function headline(entry: TimelineEntry): string {
  switch (entry.kind) {
    case "note":
      return "Note";
    case "task_done":
      return "Task done";
    case "activity":
      return activity(entry);
    case "lead":
      return `${entry.lead_type ?? "Lead"}, ${entry.source ?? "unknown source"}`;
    case "stage_change":
      return entry.from_stage
        ? `Moved from ${entry.from_stage} to ${entry.to_stage}`
        : `Began in ${entry.to_stage ?? "a stage"}`;
    case "assignment":
      return assignment(entry);
  }
}

/** Who did it, where that is not told by the headline. */
export function doer({ kind, actor }: TimelineEntry): string {
  if (kind === "lead") return actor ? `written down by ${nameOf(actor)}` : "by the person";
  return actor ? nameOf(actor) : "automatically";
}
