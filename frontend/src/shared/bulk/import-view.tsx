import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useState } from "react";
import { isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { BulkImport, ImportMapping } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { Badge } from "@/shared/ui/badge";
import { PageTitle } from "@/shared/ui/page";
import { Columns } from "./columns";
import { Faults } from "./faults";
import { applyImport, importQuery, mapColumns, undoImport } from "./queries";
import { Standing } from "./standing";
import { type Subject, useSubject } from "./subject";
import { useChoices } from "./use-choices";
import { badge } from "./words";

/** What is asked of an import answers with how it is then; who was not up to date is shown that first. */
function useDeed<Given>(
  found: BulkImport,
  ask: (path: Subject["path"], found: BulkImport, given: Given) => Promise<BulkImport>,
) {
  const client = useQueryClient();
  const { path } = useSubject();
  const { queryKey } = importQuery(path, found.id);
  return useMutation({
    mutationFn: (given: Given) => ask(path, found, given),
    onSuccess: (next) => client.setQueryData(queryKey, next),
    onError: (error) => {
      if (isStatus(error, 404, 409, 412)) void client.invalidateQueries({ queryKey });
    },
  });
}

/** While rows are checked anew the figures of the check before stay, so that nothing moves under the hand. */
function useSteady(found: BulkImport): BulkImport {
  const [last, setLast] = useState(found);
  if (found.state !== "checking" && found !== last) setLast(found);
  return found.state === "checking" ? { ...found, counts: last.counts } : found;
}

export type Deed = ReturnType<typeof useDeed<void>>;

/** One import from the check of its file to its end. */
export function ImportView({ found }: { found: BulkImport }) {
  const { time_zone: zone } = useTenant();
  const map = useDeed<ImportMapping>(found, mapColumns);
  const apply = useDeed<void>(found, applyImport);
  const undo = useDeed<void>(found, undoImport);
  const { words, tone } = badge(found);
  const forget = useEffectEvent(() => {
    for (const deed of [map, apply, undo]) if (deed.isError) deed.reset();
  });
  // What was refused is said until something else has happened.
  useEffect(() => {
    if (found.state !== "checked" && found.state !== "applied") forget();
  }, [found.state]);
  const shown = useSteady(found);
  const choices = useChoices(found, map);
  const isUnchecked = choices.changed.size > 0;
  return (
    <>
      <div className="mb-1 flex flex-wrap items-center gap-x-3 gap-y-1">
        <PageTitle className="min-w-0 break-words">{`Import of ${found.file_name}`}</PageTitle>
        <Badge tone={tone}>{words}</Badge>
      </div>
      <p className="mb-4 text-ink-soft text-sm">
        Sent {moment(found.created_at, zone)} by {nameOf(found.created_by)}
      </p>
      <Standing found={shown} isUnchecked={isUnchecked} apply={apply} undo={undo} />
      {shown.columns.length > 0 && <Columns found={shown} map={map} choices={choices} />}
      {shown.counts.faulty > 0 && <Faults found={shown} />}
    </>
  );
}
