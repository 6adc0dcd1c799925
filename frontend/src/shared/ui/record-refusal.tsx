import { UserX } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { isStatus } from "@/shared/api/problem";
import { words } from "@/shared/lib/format";
import { buttonStyle } from "@/shared/ui/button";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";

/** While the page of one person or contact (`what`) is on its way. */
export const RecordSkeleton = ({ what }: { what: string }) => (
  <>
    <PageTitle className="sr-only">{words(what)}</PageTitle>
    <p role="status" className="sr-only">
      Loading the {what}
    </p>
    <Skeleton className="mb-6 h-14 w-72" />
    <Skeleton className="h-96 rounded-xl" />
  </>
);

interface RecordRefusalProps {
  what: string;
  error: unknown;
  onRetry: () => void;
  retrying: boolean;
  /** The list to go to instead, and what its link says. */
  list: { to: string; words: string };
  /** Why it may not be here. */
  children: ReactNode;
}

/** In place of one person or contact that is not there for the reader, or could not be loaded. */
export function RecordRefusal({ what, error, onRetry, retrying, list, children }: RecordRefusalProps) {
  // 422: the address holds something that cannot be an id.
  if (!isStatus(error, 403, 404, 422))
    return (
      <>
        <PageTitle className="sr-only">{words(what)}</PageTitle>
        <Failure title={`This ${what} could not be loaded`} error={error} onRetry={onRetry} retrying={retrying} />
      </>
    );
  return (
    <>
      <PageTitle className="sr-only">{`${words(what)} not found`}</PageTitle>
      <EmptyState
        Icon={UserX}
        title={`This ${what} is not here`}
        action={
          <Link to={list.to} className={buttonStyle()}>
            {list.words}
          </Link>
        }
      >
        {children}
      </EmptyState>
    </>
  );
}
