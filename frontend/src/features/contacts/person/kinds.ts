/** What a timeline holds, and which of it is looked at, as the address bar says. */
import type { TimelineEntry } from "@/shared/api/types";

export type Kind = TimelineEntry["kind"];

export const KINDS: Record<Kind, string> = {
  note: "Notes",
  task_done: "Tasks",
  activity: "Activities",
  lead: "Leads",
  stage_change: "Stages",
  assignment: "Assignments",
};

const ALL = Object.keys(KINDS) as Kind[];

/** None: all of them. */
export const parseKinds = (search: URLSearchParams): Kind[] => {
  const asked = search.getAll("kind");
  return ALL.filter((kind) => asked.includes(kind));
};

export const toggled = (kinds: Kind[], kind: Kind): Kind[] =>
  ALL.filter((each) => (each === kind ? !kinds.includes(each) : kinds.includes(each)));
