import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useSession } from "@/shared/api/session";
import { Button } from "@/shared/ui/button";
import { SearchField } from "@/shared/ui/search-field";
import { Select } from "@/shared/ui/select";
import { useColleagues } from "./colleagues";
import type { ContactFilters } from "./filters";
import { stagesQuery } from "./queries";
import type { ChangeFilters } from "./use-contact-filters";

/** Where leads of our own come from; others are known by the contacts that have them. */
const SOURCES = ["Listing page", "Website", "Manual"];

interface ContactsBarProps {
  filters: ContactFilters;
  onChange: ChangeFilters;
  /** Sources that contacts on the page have. */
  sources: string[];
  /** The board has a column for each stage, so that it needs no choice of one. */
  withStage: boolean;
}

/** Search and filters over contacts. */
export function ContactsBar({ filters, onChange, sources, withStage }: ContactsBarProps) {
  return (
    <search className="mb-4 grid gap-2.5">
      <div className="grid gap-2.5 sm:grid-cols-2 lg:auto-cols-[11rem] lg:grid-flow-col lg:grid-cols-[minmax(0,1fr)]">
        <SearchField
          label="Search contacts"
          placeholder="Name, email or phone"
          value={filters.q}
          onChange={(q, how) => onChange({ q }, how)}
          className={withStage ? undefined : "sm:col-span-2 lg:col-span-1"}
        />
        {withStage && <StageChoice value={filters.stage} onChange={(stage) => onChange({ stage })} />}
        <AssigneeChoice value={filters.assignee} onChange={(assignee) => onChange({ assignee })} />
        <Select
          aria-label="Source"
          value={filters.source}
          onChange={(event) => onChange({ source: event.target.value })}
        >
          <option value="">All sources</option>
          {[...new Set([...SOURCES, ...sources, filters.source].filter(Boolean))].map((source) => (
            <option key={source}>{source}</option>
          ))}
        </Select>
      </div>
      {filters.tag && (
        <p>
          <Button look="secondary" size="small" onClick={() => onChange({ tag: "" })}>
            <span className="sr-only">Remove the filter </span>Tag: {filters.tag}
            <X aria-hidden />
          </Button>
        </p>
      )}
    </search>
  );
}

interface ChoiceProps {
  value: string;
  onChange: (value: string) => void;
}

function StageChoice({ value, onChange }: ChoiceProps) {
  const stages = useQuery(stagesQuery).data ?? [];
  return (
    <Select aria-label="Stage" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">All stages</option>
      {value && !stages.some(({ id }) => id === value) && <option value={value}>…</option>}
      {stages.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  );
}

function AssigneeChoice({ value, onChange }: ChoiceProps) {
  const { user: self } = useSession();
  const others = useColleagues().filter(({ id }) => id !== self.id);
  const isOther = value !== "" && !["me", "nobody", "somebody"].includes(value);
  return (
    <Select aria-label="Looked after by" value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">Looked after by anyone</option>
      <option value="me">Me</option>
      <option value="nobody">Nobody</option>
      <option value="somebody">Somebody</option>
      {isOther && !others.some(({ id }) => id === value) && <option value={value}>…</option>}
      {others.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  );
}
