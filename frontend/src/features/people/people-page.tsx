import { useInfiniteQuery } from "@tanstack/react-query";
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { useCan } from "@/shared/api/session";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Invitations } from "./invitations";
import { InviteDialog } from "./invite-dialog";
import { PeopleBar } from "./people-bar";
import { PeopleList } from "./people-list";
import { usersQuery } from "./queries";
import { usePeopleFilters } from "./use-people-filters";

export function PeoplePage() {
  if (useCan("users.manage")) return <People />;
  return (
    <NotAllowed title="People">
      Owners and office managers invite and manage people here. Your own name and sessions are under your account.
    </NotAllowed>
  );
}

function People() {
  const { filters, search, change } = usePeopleFilters();
  const [inviting, setInviting] = useState(false);
  const query = useInfiniteQuery(usersQuery(filters));
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  return (
    <div className="mx-auto max-w-5xl">
      <div className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <PageTitle>People</PageTitle>
          <p role="status" className="text-ink-soft tabular-nums">
            {total === undefined ? (query.isError ? "" : "Searching…") : plural(total, "person", "people")}
          </p>
        </div>
        <Button aria-haspopup="dialog" onClick={() => setInviting(true)}>
          <UserPlus aria-hidden />
          Invite
        </Button>
      </div>
      <Invitations />
      <PeopleBar filters={filters} onChange={change} />
      <PeopleList filters={filters} search={search} onChange={change} onInvite={() => setInviting(true)} />
      <InviteDialog open={inviting} onClose={() => setInviting(false)} />
    </div>
  );
}
