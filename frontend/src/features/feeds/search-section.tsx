import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { explain } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { SearchStatus } from "@/shared/api/types";
import { count, plural } from "@/shared/lib/format";
import { isUnderWay, type JobShown, jobQuery } from "@/shared/live/job";
import { rarely, useIsLive } from "@/shared/live/use-changes";
import { Badge, type Tone } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Progress } from "@/shared/ui/progress";
import { Skeleton } from "@/shared/ui/skeleton";
import { searchQuery, startRebuild } from "./queries";

const STATES: Record<SearchStatus["state"], { words: string; tone: Tone }> = {
  ready: { words: "Ready", tone: "good" },
  rebuilding: { words: "Rebuilding", tone: "info" },
  unavailable: { words: "Limited", tone: "warn" },
};

/** How the search index stands, for the broker who owns the brokerage. */
export function SearchSection() {
  const { user } = useSession();
  return user.role === "broker_owner" ? <OwnersSearchSection /> : null;
}

function OwnersSearchSection() {
  const live = useIsLive();
  const query = useQuery({ ...searchQuery, ...rarely(live) });
  const { data: job } = useQuery({ ...jobQuery("property.rebuild_search"), ...rarely(live) });
  const client = useQueryClient();
  const rebuild = useMutation({
    mutationFn: startRebuild,
    onSuccess: (status) => client.setQueryData(searchQuery.queryKey, status),
  });
  const status = query.data;
  return (
    <section aria-labelledby="search" className="card mt-6 px-5 py-5">
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
          <h2 id="search" className="font-semibold text-lg">
            Search
          </h2>
          {status && <Badge tone={STATES[status.state].tone}>{STATES[status.state].words}</Badge>}
        </div>
        <Button
          look="secondary"
          size="small"
          busy={rebuild.isPending || status?.state === "rebuilding"}
          onClick={() => rebuild.mutate()}
        >
          {status?.state === "rebuilding" ? "Rebuilding" : "Rebuild the index"}
        </Button>
      </div>
      {status ? (
        <Standing status={status} job={live && isUnderWay(job) ? job : undefined} />
      ) : query.isError ? (
        <Failure
          title="The state of the search could not be loaded"
          error={query.error}
          onRetry={() => query.refetch()}
        />
      ) : (
        <Skeleton className="mt-3 h-5 w-72" />
      )}
      <p role="status" className="mt-2 text-bad text-sm empty:hidden">
        {rebuild.isError ? explain(rebuild.error).message : ""}
      </p>
    </section>
  );
}

const Standing = ({ status, job }: { status: SearchStatus; job: JobShown | undefined }) => (
  <div className="mt-2 grid gap-3 text-sm">
    {status.state === "unavailable" ? (
      <p className="text-ink-soft">
        The index is away. The database answers in its place: exact words only, without counts beside the filters.
      </p>
    ) : (
      <p className="text-ink-soft tabular-nums">
        {count(status.documents)} of {plural(status.rows, "listing", "listings")} in the index
        {status.lag_events > 0 ? `, ${plural(status.lag_events, "change", "changes")} to come` : ", nothing to come"}.
      </p>
    )}
    {(job || status.state === "rebuilding") && (
      <Progress
        label="Rebuild of the search index"
        done={job?.done ?? status.progress?.done ?? 0}
        total={job?.total ?? status.progress?.total}
        unit="listings"
      />
    )}
  </div>
);
