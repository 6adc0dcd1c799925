import type { Subject } from "@/shared/bulk/subject";
import { count } from "@/shared/lib/format";
import { MINE } from "../queries";

/** Own listings by files. The API calls them properties. */
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
  intro:
    "Bring along your own listings from a spreadsheet or another program. New ones become drafts, which you complete and publish one by one; of those you have, what is in the file is updated.",
  undone: (updated) =>
    updated === 1
      ? "1 listing that it updated is as it was before."
      : `${count(updated)} listings that it updated are as they were before.`,
  kept: "What somebody has worked on since is kept: a listing that was changed, published or given photos stays as it is, and is counted.",
  again: "listings whose ID is in the file are known then, but rows without a listing ID would come in twice.",
  figures: {
    create: {
      before: ["New", "No listing of yours has the ID. Each becomes a draft, which only you and your managers see"],
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
