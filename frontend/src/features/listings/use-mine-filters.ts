import { useAddressFilters } from "@/shared/lib/use-address-filters";
import { parseMine, writeMine } from "./mine-filters";

const FORM = { parse: parseMine, write: writeMine };

export const useMineFilters = () => useAddressFilters(FORM);
