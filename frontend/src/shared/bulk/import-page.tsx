import { useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { Link, useParams } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { useCan } from "@/shared/api/session";
import { buttonStyle } from "@/shared/ui/button";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { RecordRefusal, RecordSkeleton } from "@/shared/ui/record-refusal";
import { ImportStart } from "./import-start";
import { ImportView } from "./import-view";
import { importQuery } from "./queries";
import { type Subject, SubjectIs, useSubject } from "./subject";

/** Where imports begin, and each one of them: what its file holds, what would happen, and what has happened. */
export function ImportPage({ subject }: { subject: Subject }) {
  const { id } = useParams();
  const { home, list, records } = subject;
  if (!useCan(subject.right))
    return <NotAllowed title={`Import ${records}`}>Whoever may add {records} may import them, too.</NotAllowed>;
  return (
    <div className="mx-auto max-w-5xl">
      <Link
        to={id ? `${home}/import` : list}
        data-chrome
        className={buttonStyle({ look: "quiet", size: "large", className: "-ml-5 mb-1 text-sm" })}
      >
        <ArrowLeft aria-hidden />
        {id ? "All imports" : `Back to ${records}`}
      </Link>
      <SubjectIs value={subject}>{id ? <LoadedImport key={id} id={id} /> : <ImportStart />}</SubjectIs>
    </div>
  );
}

function LoadedImport({ id }: { id: string }) {
  const { path, home } = useSubject();
  const query = useQuery(importQuery(path, id));
  if (query.isPending) return <RecordSkeleton what="import" />;
  if (query.data && !isStatus(query.error, 404)) return <ImportView found={query.data} />;
  return (
    <RecordRefusal
      what="import"
      error={query.error}
      onRetry={() => query.refetch()}
      retrying={query.isRefetching}
      list={{ to: `${home}/import`, words: "See your imports" }}
    >
      The address may have a typing error, it is somebody else’s, or it is older than a week: imports are forgotten
      then.
    </RecordRefusal>
  );
}
