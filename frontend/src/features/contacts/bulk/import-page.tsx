import { ImportPage } from "@/shared/bulk/import-page";
import { CONTACTS } from "./subject";

export const ImportContactsPage = () => <ImportPage subject={CONTACTS} />;
