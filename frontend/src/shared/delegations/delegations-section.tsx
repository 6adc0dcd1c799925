import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { Delegation, User } from "@/shared/api/types";
import { WORKING_ROLES } from "@/shared/api/users";
import { moment } from "@/shared/lib/format";
import { useTold } from "@/shared/lib/use-told";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { DelegateDialog, WHAT } from "./delegate-dialog";
import { delegationsQuery, endDelegation } from "./queries";

const whatOf = ({ resources, user }: Delegation) =>
  `${resources.map((each) => WHAT[each]).join(" and ")} of ${user.name}`;

interface DelegationsSectionProps {
  user: Pick<User, "id" | "name" | "role">;
  /** Whether who looks may hand out this person's work, and end that. */
  mayDelegate: boolean;
}

/** Whose work was handed to the person, and to whom theirs was, with the ways to begin and to end it. */
export function DelegationsSection({ user, mayDelegate }: DelegationsSectionProps) {
  const query = useQuery(delegationsQuery(user.id));
  const client = useQueryClient();
  const [open, setOpen] = useState<Delegation | "new">();
  const { region, words, tell, tellAndFocus } = useTold();
  const end = useMutation({
    mutationFn: ({ id }: Delegation) => endDelegation(id),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["delegations"] });
      close();
      tellAndFocus("The delegation has ended.");
    },
  });
  const close = () => {
    end.reset();
    setOpen(undefined);
  };
  if (query.isLoadingError)
    return <Failure title="Delegated work could not be loaded" error={query.error} onRetry={() => query.refetch()} />;
  if (query.isPending) return <Skeleton className="h-24" />;
  const delegations = query.data;
  const gives = mayDelegate && WORKING_ROLES.includes(user.role);
  if (!gives && delegations.length === 0 && !words) return null;
  return (
    <section aria-labelledby="delegations" className="card px-5 py-5">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-3">
        <h2 id="delegations" className="font-semibold text-lg">
          Delegated work
        </h2>
        {gives && (
          <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setOpen("new")}>
            Delegate
          </Button>
        )}
      </div>
      {delegations.length === 0 && (
        <p className="text-ink-soft text-sm">A coordinator can work on listings and contacts for a time.</p>
      )}
      <ul className="divide-y divide-line">
        {delegations.map((each) => (
          <Row key={each.id} delegation={each} onEnd={mayDelegate ? () => setOpen(each) : undefined} />
        ))}
      </ul>
      <p ref={region} role="status" tabIndex={-1} className="mt-2 text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      {open === "new" && (
        <DelegateDialog
          user={user}
          onClose={close}
          onDone={({ assistant }) => {
            close();
            tell(`${assistant.name} can work on this from now on.`);
          }}
        />
      )}
      {open && open !== "new" && (
        <ConfirmDialog
          title="End this delegation?"
          action="End delegation"
          busy={end.isPending}
          refusal={end.isError ? explain(end.error).message : undefined}
          onConfirm={() => end.mutate(open)}
          onClose={close}
        >
          <p>
            {open.assistant.name} can no longer open these at once. {whatOf(open)} stay as they are.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}

function Row({ delegation, onEnd }: { delegation: Delegation; onEnd: (() => void) | undefined }) {
  const { time_zone: zone } = useTenant();
  return (
    <li className="flex flex-wrap items-center justify-between gap-3 py-2.5">
      <div className="min-w-0">
        <p className="break-words">{whatOf(delegation)}</p>
        <p className="break-words text-ink-soft text-sm">
          To {delegation.assistant.name}, until {moment(delegation.expires_at, zone)}
        </p>
      </div>
      {onEnd && (
        <Button
          look="secondary"
          size="small"
          aria-haspopup="dialog"
          aria-label={`End: ${whatOf(delegation)}, to ${delegation.assistant.name}`}
          onClick={onEnd}
        >
          End
        </Button>
      )}
    </li>
  );
}
