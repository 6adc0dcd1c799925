import { TabLinks } from "@/shared/ui/tab-links";

const TABS = [
  { to: "/contacts", name: "List" },
  { to: "/contacts/board", name: "Board" },
  { to: "/inbox", name: "Inbox" },
  { to: "/tasks", name: "Tasks" },
];

/** Between the ways to look at whom the brokerage knows. */
export const ContactsTabs = () => <TabLinks label="Contacts" tabs={TABS} />;

export const NOT_FOR_YOU =
  "People of the brokerage look after contacts here. Ask one of them if you need to know about somebody.";
