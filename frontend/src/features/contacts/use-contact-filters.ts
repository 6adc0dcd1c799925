import { type ChangeFilters as Change, useAddressFilters } from "@/shared/lib/use-address-filters";
import { type ContactFilters, parseFilters, toSearch } from "./filters";

const FORM = { parse: parseFilters, write: toSearch };

export const useContactFilters = () => useAddressFilters(FORM);

export type ChangeFilters = Change<ContactFilters>;
