import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain } from "@/shared/api/problem";
import type { User } from "@/shared/api/types";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Failure } from "@/shared/ui/failure";
import { SessionList } from "@/shared/ui/session-list";
import { Skeleton } from "@/shared/ui/skeleton";
import { endUserSessions, userSessionsQuery } from "./queries";

/** The browsers in which the person is signed in, and the way to end them all. */
export function SessionsSection({ user }: { user: User }) {
  const query = useQuery(userSessionsQuery(user.id));
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const end = useMutation({
    mutationFn: () => endUserSessions(user.id),
    onSuccess: async () => {
      setAsking(false);
      await client.invalidateQueries({ queryKey: userSessionsQuery(user.id).queryKey });
    },
  });
  const sessions = query.data?.items ?? [];
  return (
    <section aria-labelledby="sessions" className="card px-5 py-5">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-3">
        <h2 id="sessions" className="font-semibold text-lg">
          Sessions
        </h2>
        {sessions.length > 0 && (
          <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setAsking(true)}>
            End all sessions
          </Button>
        )}
      </div>
      {query.isPending ? (
        <Skeleton className="h-12" />
      ) : query.isError && !query.data ? (
        <Failure title="Sessions could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : sessions.length === 0 ? (
        <p className="text-ink-soft text-sm">{user.name} is signed in nowhere.</p>
      ) : (
        <SessionList sessions={sessions} />
      )}
      <p role="status" className="mt-2 text-ink-soft text-sm empty:hidden">
        {end.isSuccess && "All sessions have ended."}
      </p>
      {asking && (
        <ConfirmDialog
          title={`End all sessions of ${user.name}?`}
          action="End all sessions"
          busy={end.isPending}
          refusal={end.isError ? explain(end.error).message : undefined}
          onConfirm={() => end.mutate()}
          onClose={() => {
            end.reset();
            setAsking(false);
          }}
        >
          <p>
            {user.name} is signed out of every browser and has to sign in again. What was not saved there may be lost.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}
