/** The pages of contacts. Whoever opens one goes on to the others, so that their code is fetched together. */
import { BoardPage } from "./board/board-page";
import { ContactsPage } from "./contacts-page";
import { InboxPage } from "./inbox/inbox-page";
import { ContactPage } from "./person/contact-page";
import { StagesPage } from "./stages/stages-page";
import { TasksPage } from "./tasks-page";

export const pages = { BoardPage, ContactPage, ContactsPage, InboxPage, StagesPage, TasksPage };
