import { useQuery } from "@tanstack/react-query";
import { officesQuery } from "@/shared/api/offices";
import type { Role } from "@/shared/api/types";
import { words } from "@/shared/lib/format";
import { SearchField } from "@/shared/ui/search-field";
import { Select } from "@/shared/ui/select";
import { type PeopleFilters, STATES, type StateFilter } from "./filters";
import { ROLES } from "./rights";
import type { ChangeFilters } from "./use-people-filters";

/** Search and filters over the list of people. */
export function PeopleBar({ filters, onChange }: { filters: PeopleFilters; onChange: ChangeFilters }) {
  const offices = useQuery(officesQuery).data ?? [];
  return (
    <search className="mb-4 grid gap-2.5 sm:grid-cols-3 lg:grid-cols-[minmax(0,1fr)_11rem_11rem_11rem]">
      <SearchField
        label="Search people"
        placeholder="Name or email"
        value={filters.q}
        onChange={(q, how) => onChange({ q }, how)}
        className="sm:col-span-3 lg:col-span-1"
      />
      <Select
        aria-label="Role"
        value={filters.role}
        onChange={(event) => onChange({ role: event.target.value as Role | "" })}
      >
        <option value="">All roles</option>
        {ROLES.map((role) => (
          <option key={role} value={role}>
            {words(role)}
          </option>
        ))}
      </Select>
      <Select
        aria-label="Office"
        value={filters.office ?? ""}
        onChange={(event) => onChange({ office: event.target.value })}
      >
        <option value="">All offices</option>
        {offices.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
      <Select
        aria-label="State"
        value={filters.state}
        onChange={(event) => onChange({ state: event.target.value as StateFilter })}
      >
        {Object.entries(STATES).map(([state, name]) => (
          <option key={state} value={state}>
            {name}
          </option>
        ))}
      </Select>
    </search>
  );
}
