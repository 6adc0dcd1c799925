import { useInfiniteQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/shared/api/session";
import { ExportLine } from "@/shared/bulk/export-line";
import { ExportMenu } from "@/shared/bulk/export-menu";
import { useBeginExport } from "@/shared/bulk/exports";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { beginExport } from "./bulk/begin-export";
import { CONTACTS } from "./bulk/subject";
import { ContactsBar } from "./contacts-bar";
import { ContactsList } from "./contacts-list";
import { ContactsTabs, NOT_FOR_YOU } from "./contacts-tabs";
import { SORTS, type Sort } from "./filters";
import { NewContactDialog } from "./new-contact-dialog";
import { contactsQuery } from "./queries";
import { useContactFilters } from "./use-contact-filters";

export function ContactsPage() {
  if (useCan("leads.work")) return <Contacts />;
  return <NotAllowed title="Contacts">{NOT_FOR_YOU}</NotAllowed>;
}

function Contacts() {
  const { filters, search, change } = useContactFilters();
  const canCreate = useCan("people.create");
  const [creating, setCreating] = useState(false);
  const begin = useBeginExport(CONTACTS, beginExport);
  const query = useInfiniteQuery(contactsQuery(filters));
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  const sources = query.data?.pages.flatMap(({ items }) => items.map(({ source }) => source)) ?? [];
  return (
    <div className="mx-auto max-w-5xl">
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <PageTitle>Contacts</PageTitle>
          <p role="status" className="text-ink-soft tabular-nums">
            {total === undefined ? (query.isError ? "" : "Searching…") : plural(total, "contact", "contacts")}
          </p>
        </div>
        <div className="flex flex-wrap gap-2.5">
          <ExportMenu
            subject={CONTACTS}
            busy={begin.isPending}
            onExport={(format) => begin.mutate({ format, filters })}
          />
          {canCreate && (
            <Button size="large" aria-haspopup="dialog" onClick={() => setCreating(true)}>
              <UserPlus aria-hidden />
              New contact
            </Button>
          )}
        </div>
      </div>
      <ExportLine subject={CONTACTS} refusal={begin.error} onClose={begin.reset} />
      <div className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <ContactsTabs />
        <Select
          aria-label="Sort by"
          className="w-56"
          value={filters.sort}
          onChange={(event) => change({ sort: event.target.value as Sort })}
        >
          {Object.entries(SORTS).map(([sort, name]) => (
            <option key={sort} value={sort}>
              {name}
            </option>
          ))}
        </Select>
      </div>
      <ContactsBar filters={filters} onChange={change} sources={sources} withStage />
      <ContactsList
        filters={filters}
        search={search}
        onChange={change}
        onNew={canCreate ? () => setCreating(true) : undefined}
      />
      {creating && <NewContactDialog onClose={() => setCreating(false)} />}
    </div>
  );
}
