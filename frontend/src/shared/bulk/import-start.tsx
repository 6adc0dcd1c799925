import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { useTenant } from "@/shared/api/tenant";
import type { BulkImport } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { FileDrop } from "./file-drop";
import { importsQuery } from "./queries";
import { useSubject } from "./subject";
import { badge, summary } from "./words";

/** A file is chosen here; those of former imports are below. */
export function ImportStart() {
  const { records, intro } = useSubject();
  return (
    <>
      <PageTitle>{`Import ${records}`}</PageTitle>
      <p className="mb-5 max-w-prose text-ink-soft">
        {intro} You see first what would happen, and nothing is changed before you say so.
      </p>
      <FileDrop />
      <FormerImports />
    </>
  );
}

function FormerImports() {
  const query = useInfiniteQuery(importsQuery(useSubject().path));
  const imports = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, imports.length, "a");
  return (
    <section aria-labelledby="former" className="mt-8">
      <h2 id="former" className="mb-3 font-semibold text-lg">
        Former imports
      </h2>
      {query.isPending ? (
        <Skeleton className="h-19 rounded-xl" />
      ) : query.isError && imports.length === 0 ? (
        <Failure
          title="Former imports could not be loaded"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
        />
      ) : imports.length === 0 ? (
        <p className="text-ink-soft">None in the last week.</p>
      ) : (
        <ul ref={list} aria-labelledby="former" className="card divide-y divide-line overflow-hidden">
          {imports.map((found) => (
            <FormerImport key={found.id} found={found} />
          ))}
        </ul>
      )}
      {query.hasNextPage && (
        <Button look="secondary" size="large" className="mt-4" busy={query.isFetchingNextPage} onClick={loadMore}>
          Show earlier imports
        </Button>
      )}
    </section>
  );
}

function FormerImport({ found }: { found: BulkImport }) {
  const { time_zone: zone } = useTenant();
  const subject = useSubject();
  const { words, tone } = badge(found);
  const told = summary(subject, found);
  return (
    <li className="relative grid gap-x-3.5 gap-y-0.5 px-4 py-3 transition-colors hover:bg-sunken sm:px-5">
      <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Link
          id={`import-${found.id}`}
          to={`${subject.home}/imports/${found.id}`}
          className="min-w-0 break-words font-medium after:absolute after:inset-0"
        >
          {found.file_name}
        </Link>
        <Badge tone={tone}>{words}</Badge>
      </p>
      <p className="break-words text-ink-soft text-sm">
        {moment(found.created_at, zone)} · {nameOf(found.created_by)}
        {told && ` · ${told}`}
      </p>
    </li>
  );
}
