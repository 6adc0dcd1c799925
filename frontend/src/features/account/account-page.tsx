import { useQuery } from "@tanstack/react-query";
import { officesQuery, teamsQuery } from "@/shared/api/offices";
import { useSession } from "@/shared/api/session";
import { WORKING_ROLES } from "@/shared/api/users";
import { DelegationsSection } from "@/shared/delegations/delegations-section";
import { words } from "@/shared/lib/format";
import { PageTitle } from "@/shared/ui/page";
import { NameForm } from "./name-form";
import { OwnSessions } from "./own-sessions";

/** What everyone may do for themselves: the name, and the browsers in which they are signed in. */
export function AccountPage() {
  const { user } = useSession();
  return (
    <div className="mx-auto grid max-w-3xl gap-6">
      <div>
        <PageTitle>Your account</PageTitle>
        <p className="text-ink-soft">Your name, who works for you, and the browsers in which you are signed in.</p>
      </div>
      <section aria-labelledby="about" className="card px-5 py-5">
        <h2 id="about" className="mb-4 font-semibold text-lg">
          About you
        </h2>
        <NameForm />
        <Place />
      </section>
      {user.role !== "client" && <DelegationsSection user={user} mayDelegate={WORKING_ROLES.includes(user.role)} />}
      <OwnSessions />
    </div>
  );
}

/** What others decide about this person. */
function Place() {
  const { user } = useSession();
  const office = useQuery(officesQuery).data?.find(({ id }) => id === user.office_id)?.name;
  const teams = (useQuery(teamsQuery).data ?? []).flatMap(({ id, name }) => (user.team_ids.includes(id) ? name : []));
  const facts = [
    ["Email", user.email],
    ["Role", words(user.role)],
    ["Office", office ?? "No office"],
    ...(teams.length > 0 ? [["Teams", teams.join(", ")]] : []),
  ];
  return (
    <>
      <dl className="mt-6 grid gap-x-6 gap-y-3 border-line border-t pt-4 sm:grid-cols-2">
        {facts.map(([name, value]) => (
          <div key={name} className="min-w-0">
            <dt className="text-ink-soft text-sm">{name}</dt>
            <dd className="break-words">{value}</dd>
          </div>
        ))}
      </dl>
      <p className="mt-4 text-ink-soft text-sm">Whoever manages people in your brokerage can change these.</p>
    </>
  );
}
