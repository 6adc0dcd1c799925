/** What a move of the status is called and asks for. Which moves there are, the server says. */
import type { StandardStatus } from "@/shared/api/types";

interface Move {
  words: string;
  /** What it means, for the one who is about to do it. */
  meaning: string;
}

const MOVES: Partial<Record<StandardStatus, Move>> = {
  "Coming Soon": {
    words: "Announce as Coming Soon",
    meaning: "The listing is shown, without showings yet. Days on market do not count until it is active.",
  },
  "Active Under Contract": {
    words: "Mark as Under Contract",
    meaning: "An offer is accepted; the listing stays on the market for others.",
  },
  Pending: { words: "Mark as Pending", meaning: "The sale is on its way to closing; no further offers are taken." },
  Closed: { words: "Close the sale", meaning: "The home is sold. After that only corrections are possible." },
  Hold: { words: "Put on hold", meaning: "The listing is kept back for a while and can become active again." },
  Withdrawn: { words: "Withdraw", meaning: "The listing leaves the market; the agreement with the seller goes on." },
  Canceled: {
    words: "Cancel the listing",
    meaning: "The listing leaves the market and the agreement with the seller ends.",
  },
  Expired: { words: "Mark as expired", meaning: "The agreement with the seller has run out." },
  Incomplete: { words: "Make it a draft again", meaning: "Only those who may edit it will see the listing." },
  Delete: { words: "Delete the draft", meaning: "The draft and its photos are gone for good." },
};

export function moveOf(from: StandardStatus, to: StandardStatus): Move {
  if (to === "Active" && (from === "Incomplete" || from === "Coming Soon"))
    return { words: "Publish", meaning: "The listing becomes active: everyone in the search finds it." };
  if (to === "Active" && from !== "Coming Soon")
    return { words: "Back to Active", meaning: "The listing is on the market again, and its days go on counting." };
  if (from === "Closed" && to === "Closed")
    return { words: "Correct the closing", meaning: "Another price or day, with a reason that history keeps." };
  return MOVES[to] ?? { words: to, meaning: "" };
}
