import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isProblem } from "@/shared/api/problem";
import type { User } from "@/shared/api/types";
import { changeUser, userQuery } from "@/shared/api/users";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { LAST_OWNER } from "./rights";

const EFFECT = "can no longer sign in, and all sessions end at once. Listings and their history keep the name.";

function reason(error: Error): string {
  if (isProblem(error, "last-owner")) return LAST_OWNER;
  if (isProblem(error, "version-conflict"))
    return "Someone else changed this person meanwhile. The page shows it now; decide again.";
  return explain(error).message;
}

/** Whether the person may enter at all. */
export function AccessSection({ user }: { user: User }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const isActive = user.state === "active";
  const change = useMutation({
    mutationFn: (state: User["state"]) => changeUser(user, { state }),
    onSuccess: (saved) => {
      client.setQueryData(userQuery(user.id).queryKey, saved);
      for (const queryKey of [["users"], ["user-invitations"]]) void client.invalidateQueries({ queryKey });
      setAsking(false);
    },
    onError: () => client.invalidateQueries({ queryKey: userQuery(user.id).queryKey }),
  });
  return (
    <section aria-labelledby="access" className="card px-5 py-5">
      <h2 id="access" className="font-semibold text-lg">
        Access
      </h2>
      <p className="mt-1 mb-4 text-ink-soft text-sm">
        {isActive
          ? `${user.name} can sign in. Someone who is deactivated ${EFFECT}`
          : `${user.name} is deactivated: ${user.name} ${EFFECT} Reactivating lets them in again with the same password, role and office.`}
      </p>
      {isActive ? (
        <Button look="secondary" aria-haspopup="dialog" onClick={() => setAsking(true)}>
          Deactivate
        </Button>
      ) : (
        <Button look="secondary" busy={change.isPending} onClick={() => change.mutate("active")}>
          Reactivate
        </Button>
      )}
      <p role="status" className="mt-3 text-ink-soft text-sm empty:hidden">
        {change.isSuccess && (isActive ? `${user.name} can sign in again.` : `${user.name} is deactivated.`)}
      </p>
      {change.isError && !asking && <Alert look="bad">{reason(change.error)}</Alert>}
      {asking && (
        <ConfirmDialog
          title={`Deactivate ${user.name}?`}
          action="Deactivate"
          busy={change.isPending}
          refusal={change.isError ? reason(change.error) : undefined}
          onConfirm={() => change.mutate("deactivated")}
          onClose={() => {
            change.reset();
            setAsking(false);
          }}
        >
          <p>
            {user.name} {EFFECT}
          </p>
          <p>You can reactivate {user.name} at any time.</p>
        </ConfirmDialog>
      )}
    </section>
  );
}
