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

/** Where imports begin, and each one of them: what its file holds, what would happen, and what has happened. */
export function ImportPage() {
  const { id } = useParams();
  if (!useCan("people.create"))
    return <NotAllowed title="Import contacts">Whoever may add contacts may import them, too.</NotAllowed>;
  return (
    <div className="mx-auto max-w-5xl">
      <Link
        to={id ? "/contacts/import" : "/contacts"}
        data-chrome
        className={buttonStyle({ look: "quiet", size: "large", className: "-ml-5 mb-1 text-sm" })}
      >
        <ArrowLeft aria-hidden />
        {id ? "All imports" : "Back to contacts"}
      </Link>
      {id ? <LoadedImport key={id} id={id} /> : <ImportStart />}
    </div>
  );
}

function LoadedImport({ id }: { id: string }) {
  const query = useQuery(importQuery(id));
  if (query.isPending) return <RecordSkeleton what="import" />;
  if (query.data && !isStatus(query.error, 404)) return <ImportView found={query.data} />;
  return (
    <RecordRefusal
      what="import"
      error={query.error}
      onRetry={() => query.refetch()}
      retrying={query.isRefetching}
      list={{ to: "/contacts/import", words: "See your imports" }}
    >
      The address may have a typing error, it is somebody else’s, or it is older than a week: imports are forgotten
      then.
    </RecordRefusal>
  );
}
