import type { Role } from "@/shared/api/types";
import type { Figure, Subject } from "@/shared/bulk/subject";
import { count } from "@/shared/lib/format";
import { MINE } from "../queries";

const intro = (drafts: string) =>
  `Bring along your own listings from a spreadsheet or another program. New ones become ${drafts}; you complete and publish them one by one. Of those you have, what is in the file is updated.`;

const news = (becomes: string): Figure => ["New", `No listing of yours has the ID. Each becomes ${becomes}`];

/** Own listings by files, as agents bring them. The API calls them properties. */
export const LISTINGS: Subject = {
  path: "property",
  exportJob: "property.export_properties",
  home: "/listings",
  list: "/listings/mine",
  newest: "/listings/mine",
  right: "listings.create",
  shownBy: [MINE, ["listing"], ["listings"], ["map"], ["history"]],
  record: "listing",
  records: "listings",
  updated: "updated",
  touched: (kept) => `somebody has worked on ${kept === 1 ? "it" : "them"} since`,
  intro: intro("drafts of yours"),
  undone: (updated) =>
    updated === 1
      ? "1 listing that it updated is as it was before."
      : `${count(updated)} listings that it updated are as they were before.`,
  kept: "What somebody has worked on since is kept: a listing that was changed, published or given photos stays as it is, and is counted.",
  again: "listings whose ID is in the file are known then, but rows without a listing ID would come in twice.",
  figures: {
    create: {
      before: news("a draft of yours, which only you and your managers see"),
      after: ["Added", "As drafts. Complete and publish them one by one"],
    },
    update: {
      before: ["To be updated", "Yours already. Cells that are not empty replace what is there, empty ones leave it"],
      after: ["Updated", "Cells that were not empty replaced what was there"],
    },
    unchanged: {
      before: ["Unchanged", "Yours already; nothing differs"],
      after: ["Unchanged", "Nothing differed"],
    },
  },
};

/** Whose drafts are is for owners and managers to say; what a file does not say of it depends on who brings it. */
export function listingsOf(role: Role): Subject {
  if (role === "agent") return LISTINGS;
  const isOffices = role === "office_manager";
  const whose = isOffices ? "your office" : "yours";
  const { create } = LISTINGS.figures;
  const before = news(
    `a draft of ${whose}, or of the agent whom a column names${isOffices ? ". One without an agent cannot be published" : ""}`,
  );
  return {
    ...LISTINGS,
    intro: intro(`drafts of ${whose}, or of the agent whose mail address a column holds`),
    figures: { ...LISTINGS.figures, create: { ...create, before } },
  };
}
