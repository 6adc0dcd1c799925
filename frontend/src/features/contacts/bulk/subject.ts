import type { Subject } from "@/shared/bulk/subject";
import { plural } from "@/shared/lib/format";

/** Contacts by files. The API calls them people, as it does not call its own users. */
export const CONTACTS: Subject = {
  path: "people",
  exportJob: "crm.export_people",
  home: "/contacts",
  list: "/contacts",
  newest: "/contacts?sort=-created_at",
  right: "people.create",
  shownBy: [["contacts"]],
  record: "contact",
  records: "contacts",
  updated: "completed",
  touched: () => "somebody has worked with them since",
  intro: "Bring along whom you know from a spreadsheet or another program.",
  undone: (updated) =>
    `${plural(updated, "contact", "contacts")} that it completed ${updated === 1 ? "loses" : "lose"} what was added.`,
  kept: "Whom somebody has worked with since is kept: was there a change, note, task, call, lead or move to another stage, the contact stays as it is, and is counted.",
  again: "who has an address or number is known then, but rows without an address or number would come in twice.",
  figures: {
    create: {
      before: ["New", "Nobody whom you see has the address or number yet"],
      after: ["Added", "Nobody whom you see had the address or number"],
    },
    update: {
      before: [
        "To be completed",
        "Known; addresses, numbers and tags are added, an agent where there is none. Name, source and stage stay",
      ],
      after: [
        "Completed",
        "Addresses, numbers and tags were added, an agent where there was none. Name, source and stage stayed",
      ],
    },
    unchanged: {
      before: ["Unchanged", "Known; nothing to add"],
      after: ["Unchanged", "Known; there was nothing to add"],
    },
  },
};
