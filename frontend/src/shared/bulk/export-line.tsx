import { useQuery, useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import { explain } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import { saveFrom } from "@/shared/lib/save-from";
import type { FollowedJob } from "@/shared/live/job";
import { useJob } from "@/shared/live/use-job";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Progress } from "@/shared/ui/progress";
import { exportQuery, setExport } from "./exports";
import { numbered, type Subject } from "./subject";

interface ExportLineProps {
  subject: Subject;
  /** Why the last one could not begin. */
  refusal: Error | null;
  onClose: () => void;
}

/** How far the export is, and the file once it is there; nothing when there is none. */
export function ExportLine({ subject, refusal, onClose }: ExportLineProps) {
  const { user } = useSession();
  const client = useQueryClient();
  const { data: found } = useQuery(exportQuery(subject, user.id));
  const close = () => {
    setExport(client, subject, null);
    onClose();
  };
  if (refusal)
    return (
      <Line onClose={close}>
        <Alert look="bad">The export could not begin. {explain(refusal).message}</Alert>
      </Line>
    );
  return found && <Followed key={found.job} subject={subject} id={found.job} isSaved={found.isSaved} onClose={close} />;
}

interface FollowedProps {
  subject: Subject;
  id: string;
  isSaved: boolean;
  onClose: () => void;
}

function Followed({ subject, id, isSaved, onClose }: FollowedProps) {
  const client = useQueryClient();
  const { data: job, error } = useJob(id);
  const result = job?.state === "succeeded" ? job.result : null;
  useEffect(() => {
    if (!result || isSaved) return;
    setExport(client, subject, { job: id, isSaved: true });
    saveFrom(result);
  }, [client, subject, id, isSaved, result]);
  return (
    <Line onClose={onClose}>
      <p role="status" className="empty:hidden">
        {standing(subject, job)}
        {result && (
          <>
            {" "}
            <a
              href={result}
              download
              className="inline-flex min-h-11 items-center text-brand underline underline-offset-4"
            >
              Save the file again
            </a>
          </>
        )}
      </p>
      {error && !job ? (
        <Alert look="bad">{explain(error).message}</Alert>
      ) : job?.state === "failed" ? (
        <Alert look="bad">{job.error?.detail ?? "Something went wrong on the server."} Try the export again.</Alert>
      ) : (
        !result &&
        job?.state !== "cancelled" && (
          <Progress
            label={`Export of ${subject.records}`}
            done={job?.done ?? 0}
            total={job?.total}
            unit={subject.records}
          />
        )
      )}
    </Line>
  );
}

function standing(subject: Subject, job: FollowedJob | undefined): string {
  if (job?.state === "failed") return "";
  if (job?.state === "cancelled") return "The export was ended by hand.";
  if (job?.state === "succeeded") return `${numbered(subject, job.done)} ${job.done === 1 ? "is" : "are"} in the file.`;
  return "Your file is being made.";
}

const Line = ({ onClose, children }: { onClose: () => void; children: ReactNode }) => (
  <section aria-label="Export" className="card mb-4 flex items-start gap-3 py-3 pr-2 pl-4 sm:pl-5">
    <div className="grid min-h-11 min-w-0 flex-1 content-center gap-2 text-sm">{children}</div>
    <Button look="quiet" size="icon" className="size-11" aria-label="Close" onClick={onClose}>
      <X aria-hidden />
    </Button>
  </section>
);
