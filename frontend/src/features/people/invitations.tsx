import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { UserInvitation } from "@/shared/api/types";
import { moment, plural, words } from "@/shared/lib/format";
import { useTold } from "@/shared/lib/use-told";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Dialog } from "@/shared/ui/dialog";
import { Failure } from "@/shared/ui/failure";
import { OneTimeLink } from "./one-time-link";
import { invitationsQuery, resend, revoke } from "./queries";
import { usePlaces } from "./use-places";

/** Who was invited and has not come yet. Nothing is shown when nobody is awaited. */
export function Invitations() {
  const query = useQuery(invitationsQuery);
  const told = useTold();
  const invitations = query.data ?? [];
  if (query.isError && !query.data)
    return (
      <div className="mb-6">
        <Failure title="Invitations could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      </div>
    );
  return (
    <>
      {invitations.length > 0 && (
        <section aria-labelledby="invitations" className="card mb-6 px-4 pt-4 pb-1.5 sm:px-5">
          <h2 id="invitations" className="font-semibold">
            {plural(invitations.length, "open invitation", "open invitations")}
          </h2>
          <ul className="divide-y divide-line">
            {invitations.map((invitation) => (
              <InvitationRow
                key={invitation.id}
                invitation={invitation}
                onRevoked={() => told.tellAndFocus(`The invitation of ${invitation.name} is revoked.`)}
              />
            ))}
          </ul>
        </section>
      )}
      <p ref={told.region} role="status" tabIndex={-1} className="mb-4 text-ink-soft text-sm outline-none empty:hidden">
        {told.words}
      </p>
    </>
  );
}

interface InvitationRowProps {
  invitation: UserInvitation;
  onRevoked: () => void;
}

function InvitationRow({ invitation, onRevoked }: InvitationRowProps) {
  const { time_zone: zone } = useTenant();
  const { placeOf } = usePlaces();
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: invitationsQuery.queryKey });
  const [asking, setAsking] = useState(false);
  const again = useMutation({ mutationFn: () => resend(invitation.id), onSettled: refresh });
  const withdraw = useMutation({
    mutationFn: () => revoke(invitation.id),
    onSuccess: async () => {
      setAsking(false);
      await refresh();
      onRevoked();
    },
  });
  const place = placeOf(invitation);
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2.5 py-3">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="break-words font-medium">{invitation.name}</span>
          {invitation.state === "expired" && <Badge tone="warn">Expired</Badge>}
        </p>
        <p className="break-words text-ink-soft text-sm">
          {invitation.email} · {words(invitation.role)}
          {place && ` · ${place}`}
        </p>
        <p className="text-ink-soft text-sm">
          {invitation.state === "expired" ? "Expired" : "Good until"} {moment(invitation.expires_at, zone)}
          {invitation.invited_by && `, invited by ${invitation.invited_by}`}
        </p>
        <p role="status" className="text-bad text-sm empty:hidden">
          {again.isError && (isStatus(again.error, 404, 409) ? "It is no longer open." : explain(again.error).message)}
        </p>
      </div>
      <div className="flex flex-wrap gap-2.5">
        <Button look="secondary" size="small" busy={again.isPending} onClick={() => again.mutate()}>
          Send again<span className="sr-only"> to {invitation.name}</span>
        </Button>
        <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setAsking(true)}>
          Revoke<span className="sr-only"> the invitation of {invitation.name}</span>
        </Button>
      </div>
      {again.data && (
        <Dialog
          open
          onClose={again.reset}
          title="Invitation sent again"
          shape="popup"
          footer={
            <Button className="ml-auto" onClick={again.reset}>
              Done
            </Button>
          }
        >
          <div className="grid gap-4">
            <p>{invitation.name} has a new link. The one before no longer works.</p>
            <OneTimeLink invitation={again.data} />
          </div>
        </Dialog>
      )}
      {asking && (
        <ConfirmDialog
          title={`Revoke the invitation of ${invitation.name}?`}
          action="Revoke invitation"
          busy={withdraw.isPending}
          refusal={withdraw.isError ? explain(withdraw.error).message : undefined}
          onConfirm={() => withdraw.mutate()}
          onClose={() => {
            withdraw.reset();
            setAsking(false);
          }}
        >
          <p>The link that {invitation.email} got stops working at once. You can invite the address again.</p>
        </ConfirmDialog>
      )}
    </li>
  );
}
