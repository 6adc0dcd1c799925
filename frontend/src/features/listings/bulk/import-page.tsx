import { useSession } from "@/shared/api/session";
import { ImportPage } from "@/shared/bulk/import-page";
import { listingsOf } from "./subject";

export function ImportListingsPage() {
  const { user } = useSession();
  return <ImportPage subject={listingsOf(user.role)} />;
}
