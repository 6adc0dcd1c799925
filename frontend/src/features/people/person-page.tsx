import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { Link, useLocation, useParams } from "react-router";
import { useCan, useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { User } from "@/shared/api/types";
import { userQuery } from "@/shared/api/users";
import { DelegationsSection } from "@/shared/delegations/delegations-section";
import { moment, words } from "@/shared/lib/format";
import { Avatar } from "@/shared/ui/avatar";
import { Badge } from "@/shared/ui/badge";
import { buttonStyle } from "@/shared/ui/button";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { RecordRefusal, RecordSkeleton } from "@/shared/ui/record-refusal";
import { AccessSection } from "./access-section";
import { PersonForm } from "./person-form";
import { mayManage } from "./rights";
import { SessionsSection } from "./sessions-section";
import { usePlaces } from "./use-places";

/** Where "back to people" goes: the search this page was opened from, or everyone for a link from elsewhere. */
function usePeopleAddress(): string {
  const state: unknown = useLocation().state;
  const search = typeof state === "object" && state !== null && "people" in state ? String(state.people) : "";
  return search ? `/people?${search}` : "/people";
}

export function PersonPage() {
  const { id = "" } = useParams();
  if (!useCan("users.manage"))
    return (
      <NotAllowed title="Person">
        Owners and office managers manage people here. Your own name and sessions are under your account.
      </NotAllowed>
    );
  return <LoadedPerson key={id} id={id} />;
}

function LoadedPerson({ id }: { id: string }) {
  const query = useQuery(userQuery(id));
  return (
    <div className="mx-auto max-w-3xl">
      <Link
        to={usePeopleAddress()}
        data-chrome
        className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5 mb-3" })}
      >
        <ArrowLeft aria-hidden />
        Back to people
      </Link>
      {query.isPending ? (
        <RecordSkeleton what="person" />
      ) : query.data ? (
        <Person user={query.data} />
      ) : (
        <RecordRefusal
          what="person"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
          list={{ to: "/people", words: "See all people" }}
        >
          The address may have a typing error, or the person belongs to an office that is not yours to manage.
        </RecordRefusal>
      )}
    </div>
  );
}

function Person({ user }: { user: User }) {
  const { user: self } = useSession();
  const { time_zone: zone } = useTenant();
  return (
    <>
      <header className="mb-6 flex items-center gap-4">
        <Avatar name={user.name || user.email} className="size-12 text-base" />
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <PageTitle className="break-words">{user.name || user.email}</PageTitle>
            {user.id === self.id && <Badge tone="info">You</Badge>}
            {user.state === "deactivated" && <Badge tone="warn">Deactivated</Badge>}
          </div>
          <p className="break-words text-ink-soft text-sm">
            {user.email} · here since {moment(user.created_at, zone)}
          </p>
        </div>
      </header>
      {mayManage(self, user) ? (
        <div className="grid gap-6">
          <PersonForm user={user} />
          {user.id === self.id ? <OwnSessions /> : <SessionsSection user={user} />}
          <DelegationsSection user={user} mayDelegate={user.state === "active"} />
          <AccessSection user={user} />
        </div>
      ) : (
        <ReadOnly user={user} />
      )}
    </>
  );
}

const OwnSessions = () => (
  <p className="px-5 text-ink-soft text-sm">
    Your own sessions are under{" "}
    <Link to="/account" className="text-brand underline underline-offset-4">
      your account
    </Link>
    .
  </p>
);

function ReadOnly({ user }: { user: User }) {
  const { placeOf } = usePlaces();
  return (
    <section aria-label="Details" className="card px-5 py-5">
      <dl className="grid gap-4 sm:grid-cols-2">
        <div>
          <dt className="text-ink-soft text-sm">Role</dt>
          <dd>{words(user.role)}</dd>
        </div>
        <div>
          <dt className="text-ink-soft text-sm">Office and teams</dt>
          <dd>{placeOf(user) || "No office"}</dd>
        </div>
      </dl>
      <p className="mt-4 text-ink-soft text-sm">
        You manage the agents and coordinators of your own office. An owner can change this person.
      </p>
    </section>
  );
}
