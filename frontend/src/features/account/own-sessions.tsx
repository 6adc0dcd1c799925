import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain } from "@/shared/api/problem";
import type { BrowserSession } from "@/shared/api/types";
import { useTold } from "@/shared/lib/use-told";
import { Button } from "@/shared/ui/button";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { Failure } from "@/shared/ui/failure";
import { SessionList } from "@/shared/ui/session-list";
import { Skeleton } from "@/shared/ui/skeleton";
import { endOtherSessions, endSession, sessionsQuery } from "./queries";

/** The person's own browsers: one can be ended, or all others; this one ends by signing out. */
export function OwnSessions() {
  const query = useQuery(sessionsQuery);
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: sessionsQuery.queryKey });
  const [asking, setAsking] = useState(false);
  const { region, words, tell, tellAndFocus } = useTold();
  const endOne = useMutation({
    mutationFn: ({ id }: BrowserSession) => endSession(id),
    onMutate: () => tell(""),
    onSuccess: async (_, { user_agent }) => {
      await refresh();
      tellAndFocus(`The session in ${user_agent || "the unknown browser"} has ended.`);
    },
    onError: refresh,
  });
  const endOthers = useMutation({
    mutationFn: endOtherSessions,
    onMutate: () => tell(""),
    onSuccess: async () => {
      setAsking(false);
      await refresh();
      tellAndFocus("All other sessions have ended.");
    },
  });
  const sessions = query.data?.items.toSorted((one, other) => Number(other.is_current) - Number(one.is_current)) ?? [];
  return (
    <section aria-labelledby="sessions" className="card px-5 py-5">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-3">
        <h2 id="sessions" className="font-semibold text-lg">
          Sessions
        </h2>
        {sessions.some(({ is_current }) => !is_current) && (
          <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setAsking(true)}>
            End all others
          </Button>
        )}
      </div>
      {query.isPending ? (
        <Skeleton className="h-24" />
      ) : query.isError && !query.data ? (
        <Failure title="Your sessions could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <SessionList
          sessions={sessions}
          actionOf={(session) =>
            !session.is_current && (
              <Button
                look="secondary"
                size="small"
                busy={endOne.isPending && endOne.variables.id === session.id}
                onClick={() => endOne.mutate(session)}
              >
                End<span className="sr-only"> the session in {session.user_agent || "the unknown browser"}</span>
              </Button>
            )
          }
        />
      )}
      <p className="mt-2 text-ink-soft text-sm">
        A browser that you do not know? End its session. This browser's own ends when you sign out.
      </p>
      <p ref={region} role="status" tabIndex={-1} className="mt-2 font-medium text-sm outline-none empty:hidden">
        {endOne.isError ? explain(endOne.error).message : words}
      </p>
      {asking && (
        <ConfirmDialog
          title="End all other sessions?"
          action="End all others"
          busy={endOthers.isPending}
          refusal={endOthers.isError ? explain(endOthers.error).message : undefined}
          onConfirm={() => endOthers.mutate()}
          onClose={() => {
            endOthers.reset();
            setAsking(false);
          }}
        >
          <p>
            You stay signed in here and are signed out of every other browser and API client. What was not saved there
            may be lost.
          </p>
        </ConfirmDialog>
      )}
    </section>
  );
}
