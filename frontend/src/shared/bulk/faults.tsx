import { useInfiniteQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import type { RefObject } from "react";
import type { BulkImport, ImportFault } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { count, plural } from "@/shared/lib/format";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { buttonStyle } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { Skeleton } from "@/shared/ui/skeleton";
import { faultsFile, faultsQuery } from "./queries";
import { useSubject } from "./subject";

/** The rows that cannot be imported, each with what is wrong, and as a file to be corrected and sent again. */
export function Faults({ found }: { found: BulkImport }) {
  const { path } = useSubject();
  const query = useInfiniteQuery({ ...faultsQuery(path, found), enabled: found.state !== "checking" });
  const faults = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLTableSectionElement>(query, faults.length, "th");
  const total = query.data?.pages.at(-1)?.total ?? found.counts.faulty;
  return (
    <section aria-labelledby="faults" className="card mb-6 px-4 py-5 sm:px-6">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <h2 id="faults" className="font-semibold text-lg">
            {plural(found.counts.faulty, "faulty row", "faulty rows")}
          </h2>
          <p className="text-ink-soft text-sm">
            Correct them in the file of them alone, and import that
            {found.state === "checked" || found.state === "checking" ? ": the others need not wait." : "."}
            {found.truncated_errors && " Only the first are shown; the file has all of them."}
          </p>
        </div>
        <a href={faultsFile(path, found)} download className={buttonStyle({ look: "secondary", size: "large" })}>
          <Download aria-hidden />
          Download {plural(found.counts.faulty, "row", "rows")}
        </a>
      </div>
      {query.isError && faults.length === 0 ? (
        <Failure title="Faulty rows could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : faults.length === 0 ? (
        <Skeleton className="h-32" />
      ) : (
        <FaultTable faults={faults} isOld={query.isPlaceholderData} list={list} />
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore query={query} shown={faults.length} total={total} what="rows" onMore={loadMore} className="mt-4" />
      )}
    </section>
  );
}

interface FaultTableProps {
  faults: ImportFault[];
  /** They are of the check before. */
  isOld: boolean;
  list: RefObject<HTMLTableSectionElement | null>;
}

/** Of each the row and which of the row's it is: two may be alike in all that is told of them. */
function keysOf(faults: ImportFault[]): string[] {
  const before = new Map<number, number>();
  return faults.map(({ row }) => {
    const place = before.get(row) ?? 0;
    before.set(row, place + 1);
    return `${row}.${place}`;
  });
}

/** On phones what is in the file stands below what is wrong with it, so that nothing scrolls sideways. */
function FaultTable({ faults, isOld, list }: FaultTableProps) {
  const keys = keysOf(faults);
  return (
    <table
      aria-labelledby="faults"
      aria-busy={isOld}
      className={cn("w-full text-left text-sm transition-opacity", isOld && "opacity-60")}
    >
      <thead>
        <tr className="text-ink-soft *:py-1.5 *:pr-4 *:font-normal">
          <th scope="col">Row</th>
          <th scope="col" className="phone:hidden">
            Column
          </th>
          <th scope="col" className="phone:hidden">
            In the file
          </th>
          <th scope="col">What is wrong</th>
        </tr>
      </thead>
      <tbody ref={list}>
        {faults.map((fault, index) => (
          <tr key={keys[index]} className="border-line border-t *:py-2 *:pr-4 *:align-baseline">
            <th scope="row" tabIndex={-1} className="font-normal tabular-nums">
              {count(fault.row)}
            </th>
            <td className="wrap-anywhere max-w-40 phone:hidden">{fault.column ?? "–"}</td>
            <td className="wrap-anywhere max-w-56 font-mono text-xs phone:hidden">{fault.value || "–"}</td>
            <td className="wrap-anywhere">
              {fault.message}
              <span className="block text-ink-soft sm:hidden">
                {[fault.column, fault.value].filter(Boolean).join(": ")}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
