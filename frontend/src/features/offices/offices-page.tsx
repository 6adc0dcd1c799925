import { useQuery } from "@tanstack/react-query";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { officesQuery, teamsQuery } from "@/shared/api/offices";
import { useCan } from "@/shared/api/session";
import { plural } from "@/shared/lib/format";
import { useTold } from "@/shared/lib/use-told";
import { Button } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { OfficeCard } from "./office-card";
import { OfficeDialog } from "./office-dialog";

export function OfficesPage() {
  if (useCan("users.manage")) return <Offices />;
  return (
    <NotAllowed title="Offices">
      Owners make offices here, and office managers the teams of theirs. Ask one of them for a change.
    </NotAllowed>
  );
}

function Offices() {
  const canManage = useCan("offices.manage");
  const offices = useQuery(officesQuery);
  const teams = useQuery(teamsQuery);
  const [creating, setCreating] = useState(false);
  const { region, words, tellAndFocus } = useTold();
  const failed = [offices, teams].find(({ isError, data }) => isError && !data);
  return (
    <div className="mx-auto max-w-5xl">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <PageTitle>Offices</PageTitle>
          {offices.data && (
            <p className="text-ink-soft tabular-nums">{plural(offices.data.length, "office", "offices")}</p>
          )}
        </div>
        {canManage && (
          <Button aria-haspopup="dialog" onClick={() => setCreating(true)}>
            <Plus aria-hidden />
            New office
          </Button>
        )}
      </div>
      <p ref={region} role="status" tabIndex={-1} className="mt-1 text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      <div className="mt-5">
        {failed ? (
          <Failure
            title="Offices could not be loaded"
            error={failed.error}
            onRetry={() => void Promise.all([offices.refetch(), teams.refetch()])}
            retrying={offices.isRefetching || teams.isRefetching}
          />
        ) : !offices.data || !teams.data ? (
          <Skeleton className="h-56 rounded-xl" />
        ) : offices.data.length === 0 ? (
          <EmptyState
            Icon={Building2}
            title="No offices yet"
            action={canManage && <Button onClick={() => setCreating(true)}>Make the first office</Button>}
          >
            People and teams belong to an office, and an office manager manages the people of one.
          </EmptyState>
        ) : (
          <ul className="grid items-start gap-5 md:grid-cols-2">
            {offices.data.map((office) => (
              <li key={office.id}>
                <OfficeCard
                  office={office}
                  teams={teams.data.filter(({ office_id }) => office_id === office.id)}
                  onDone={tellAndFocus}
                />
              </li>
            ))}
          </ul>
        )}
      </div>
      {creating && <OfficeDialog onClose={() => setCreating(false)} onDone={tellAndFocus} />}
    </div>
  );
}
