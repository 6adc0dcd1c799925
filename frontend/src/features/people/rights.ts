/** Who may manage whom. The app decides; these rules only spare people choices that it would refuse. */
import type { Role, Session, User } from "@/shared/api/types";

export const ROLES: readonly Role[] = ["broker_owner", "office_manager", "agent", "coordinator"];

export const ROLE_EFFECTS: Partial<Record<Role, string>> = {
  broker_owner: "Changes everything: all listings, people, offices and feeds.",
  office_manager: "Edits all listings of the own office and manages its agents and coordinators.",
  agent: "Adds listings and edits the own ones and those of team mates.",
  coordinator: "Sees all listings, and works on what colleagues delegate.",
};

type Self = Session["user"];

const OF_A_MANAGER: readonly Role[] = ["agent", "coordinator"];

export const isOwner = (self: Self): boolean => self.role === "broker_owner";

/** The roles that this person may give. */
export const rolesToGive = (self: Self): readonly Role[] => (isOwner(self) ? ROLES : OF_A_MANAGER);

export const mayManage = (self: Self, user: Pick<User, "role" | "office_id">): boolean =>
  isOwner(self) ||
  (self.role === "office_manager" &&
    self.office_id !== null &&
    user.office_id === self.office_id &&
    OF_A_MANAGER.includes(user.role));

export const LAST_OWNER = "This is the last active owner. Make someone else an owner first.";
