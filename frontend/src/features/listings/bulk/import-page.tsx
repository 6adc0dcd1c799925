import { ImportPage } from "@/shared/bulk/import-page";
import { LISTINGS } from "./subject";

export const ImportListingsPage = () => <ImportPage subject={LISTINGS} />;
