import { useSession } from "@/shared/api/session";

const AUTHORS = ["broker_owner", "office_manager", "agent"];

/** Whether listings of one's own are part of this person's work; the server decides about each. */
export const useHasOwnListings = (): boolean => AUTHORS.includes(useSession().user.role);
