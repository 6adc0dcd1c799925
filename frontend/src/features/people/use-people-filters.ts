import { type ChangeFilters as Change, useAddressFilters } from "@/shared/lib/use-address-filters";
import { type PeopleFilters, parseFilters, toSearch } from "./filters";

const FORM = { parse: parseFilters, write: toSearch };

export const usePeopleFilters = () => useAddressFilters(FORM);

export type ChangeFilters = Change<PeopleFilters>;
