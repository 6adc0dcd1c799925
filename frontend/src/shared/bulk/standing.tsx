import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link } from "react-router";
import { explain } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { BulkImport } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { nameOf } from "@/shared/lib/name-of";
import { isUnderWay } from "@/shared/live/job";
import { useJob } from "@/shared/live/use-job";
import { Alert } from "@/shared/ui/alert";
import { buttonStyle } from "@/shared/ui/button";
import { Progress } from "@/shared/ui/progress";
import { ApplyButton } from "./apply-button";
import { BrokenOff } from "./broken-off";
import { Figures } from "./figures";
import type { Deed } from "./import-view";
import { importQuery } from "./queries";
import { useSubject } from "./subject";
import { UndoButton } from "./undo-button";
import { isBusy, standing } from "./words";

interface StandingProps {
  found: BulkImport;
  /** Columns are chosen with which it was not checked yet. */
  isUnchecked: boolean;
  apply: Deed;
  undo: Deed;
}

/** Where an import stands, in a sentence and as a picture, and what can be done now. */
export function Standing({ found, isUnchecked, apply, undo }: StandingProps) {
  const subject = useSubject();
  const busy = isBusy(found);
  const error = apply.error ?? undo.error;
  const region = useRef<HTMLParagraphElement>(null);
  // The button that began it gives way to the progress: whoever had the focus there hears how it stands.
  useEffect(() => {
    if (found.state === "applying" || found.state === "undoing") region.current?.focus();
  }, [found.state]);
  return (
    <section aria-label="Result" className="card mb-6 grid gap-5 px-4 py-5 sm:px-6">
      <p ref={region} role="status" tabIndex={-1} className="min-h-12 max-w-prose outline-none phone:min-h-24">
        {found.state === "failed" ? "The import has failed." : standing(subject, found)}
      </p>
      {found.state === "failed" && <Alert look="bad">{standing(subject, found)}</Alert>}
      {found.columns.length > 0 && found.state !== "failed" && (
        <div aria-busy={busy} className={cn("transition-opacity", found.state === "checking" && "opacity-60")}>
          <Figures found={found} />
        </div>
      )}
      <BrokenOff found={found} />
      {error && <Alert look="bad">{explain(error).message}</Alert>}
      {/* As high for a bar as for a button, so that nothing moves when one gives way to the other. */}
      <div className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-2.5">
        {busy ? (
          <Following found={found} />
        ) : (
          <Deeds found={found} isUnchecked={isUnchecked} apply={apply} undo={undo} />
        )}
      </div>
    </section>
  );
}

function Deeds({ found, isUnchecked, apply, undo }: StandingProps) {
  const { user } = useSession();
  const { home, newest, records } = useSubject();
  const isOwn = found.created_by.id === user.id;
  if (found.state === "checked" && isOwn) return <ApplyButton found={found} isUnchecked={isUnchecked} apply={apply} />;
  if (found.state === "checked") return <OnlyThey found={found} what="import it" />;
  const look = found.state === "applied" ? "primary" : "secondary";
  return (
    <>
      {found.state === "failed" ? (
        <Link to={`${home}/import`} className={buttonStyle({ size: "large" })}>
          Choose another file
        </Link>
      ) : (
        <Link to={newest} className={buttonStyle({ look, size: "large" })}>
          See your {records}
        </Link>
      )}
      {found.state === "applied" &&
        (isOwn ? <UndoButton found={found} undo={undo} /> : <OnlyThey found={found} what="undo it" />)}
    </>
  );
}

/** Owners and managers look at imports of others, too. */
const OnlyThey = ({ found, what }: { found: BulkImport; what: string }) => (
  <p className="text-ink-soft text-sm">
    Only {nameOf(found.created_by)}, who brought the file, can {what}.
  </p>
);

const unit = ({ state }: BulkImport, records: string): string =>
  state === "undoing" ? `${records} looked at` : state === "applying" ? "rows imported" : "rows checked";

/** How far the server is; once it has ended, well or not, what came of it is read. */
function Following({ found }: { found: BulkImport }) {
  const client = useQueryClient();
  const { data: job } = useJob(found.job_id);
  const { path, records, shownBy } = useSubject();
  const isOver = job !== undefined && !isUnderWay(job);
  useEffect(() => {
    if (!isOver) return;
    const changed = found.state === "checking" ? [] : shownBy;
    for (const queryKey of [importQuery(path, found.id).queryKey, ...changed])
      void client.invalidateQueries({ queryKey });
  }, [isOver, client, path, found.id, found.state, shownBy]);
  return (
    <div className="w-full">
      <Progress
        label={`Import of ${found.file_name}`}
        done={job?.done ?? 0}
        total={job?.total}
        unit={unit(found, records)}
      />
    </div>
  );
}
