import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RefreshCw } from "lucide-react";
import { explain, isStatus } from "@/shared/api/problem";
import type { Feed } from "@/shared/api/types";
import { Button } from "@/shared/ui/button";
import { feedsQuery, startRun } from "./queries";

const explained = (error: unknown): string =>
  isStatus(error, 409) ? "A run is under way already." : explain(error).message;

/** Has everything read and compared now. By hand, this also confirms a removal that was withheld. */
export function SyncButton({ feed }: { feed: Feed }) {
  const client = useQueryClient();
  const start = useMutation({
    mutationFn: () => startRun(feed.name),
    onSettled: () => client.invalidateQueries({ queryKey: feedsQuery.queryKey }),
  });
  const isRunning = feed.state === "importing" || start.isPending;
  const isWithheld = /withheld/i.test(feed.last_error ?? "");
  return (
    <div className="grid gap-1.5 sm:justify-items-end">
      <Button look="secondary" size="small" busy={isRunning} onClick={() => start.mutate()}>
        {!isRunning && <RefreshCw aria-hidden />}
        {isRunning ? "Synchronizing" : "Synchronize now"}
        <span className="sr-only"> {feed.name}</span>
      </Button>
      <p role="status" className="max-w-72 text-ink-soft text-sm empty:hidden sm:text-right">
        {start.isError
          ? explained(start.error)
          : isWithheld && !isRunning
            ? "Starting a run now confirms the removal that is withheld."
            : ""}
      </p>
    </div>
  );
}
