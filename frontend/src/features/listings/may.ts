import { useSession } from "@/shared/api/session";

/** Whether listings of one's own are part of this person's work; the server decides about each. */
export const useHasOwnListings = (): boolean => useSession().can.includes("listings.create");
