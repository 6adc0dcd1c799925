import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { Delegation, User } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Failure } from "@/shared/ui/failure";
import { delegationsQuery, endDelegation } from "./queries";

const WHAT = { listing: "Listings", person: "Contacts" };

const whatOf = ({ resources, user }: Delegation) =>
  `${resources.map((each) => WHAT[each]).join(" and ")} of ${user.name}`;

/** Whose work was handed to the person, and to whom theirs was, with the way to end it. */
export function DelegationsSection({ user }: { user: User }) {
  const { time_zone: zone } = useTenant();
  const query = useQuery(delegationsQuery(user.id));
  const client = useQueryClient();
  const [ending, setEnding] = useState<Delegation>();
  const end = useMutation({
    mutationFn: ({ id }: Delegation) => endDelegation(id),
    onSuccess: async () => {
      setEnding(undefined);
      await client.invalidateQueries({ queryKey: ["delegations"] });
    },
  });
  if (query.isError && !query.data)
    return <Failure title="Delegated work could not be loaded" error={query.error} onRetry={() => query.refetch()} />;
  const delegations = query.data ?? [];
  if (delegations.length === 0 && !end.isSuccess) return null;
  return (
    <section aria-labelledby="delegations" className="card px-5 py-5">
      <h2 id="delegations" className="mb-2 font-semibold text-lg">
        Delegated work
      </h2>
      <ul className="divide-y divide-line">
        {delegations.map((each) => (
          <li key={each.id} className="flex flex-wrap items-center justify-between gap-3 py-2.5">
            <div className="min-w-0">
              <p className="break-words">{whatOf(each)}</p>
              <p className="break-words text-ink-soft text-sm">
                To {each.assistant.name}, until {moment(each.expires_at, zone)}
              </p>
            </div>
            <Button
              look="secondary"
              size="small"
              aria-haspopup="dialog"
              aria-label={`End: ${whatOf(each)}, to ${each.assistant.name}`}
              onClick={() => setEnding(each)}
            >
              End
            </Button>
          </li>
        ))}
      </ul>
      <p role="status" className="mt-2 text-ink-soft text-sm empty:hidden">
        {end.isSuccess && "The delegation has ended."}
      </p>
      {ending && (
        <ConfirmDialog
          title="End this delegation?"
          action="End delegation"
          busy={end.isPending}
          refusal={end.isError ? explain(end.error).message : undefined}
          onConfirm={() => end.mutate(ending)}
          onClose={() => {
            end.reset();
            setEnding(undefined);
          }}
        >
          <p>
            {ending.assistant.name} can no longer open these at once. {whatOf(ending)} stay as they are.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}
