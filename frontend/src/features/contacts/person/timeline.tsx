import { useInfiniteQuery } from "@tanstack/react-query";
import { NotebookPen, PhoneCall } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import type { Contact } from "@/shared/api/types";
import { followed } from "@/shared/lib/use-live";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { useTold } from "@/shared/lib/use-told";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { ActivityDialog } from "./activity-dialog";
import { KINDS, type Kind, parseKinds, toggled } from "./kinds";
import { EditNoteDialog, NewNoteDialog, type Note } from "./note-dialogs";
import { TimelineItem } from "./timeline-item";
import { timelineQuery } from "./work-queries";

/** What happened with a contact, newest first, and what adds to it. */
export function Timeline({ contact }: { contact: Contact }) {
  const [adding, setAdding] = useState<"note" | "activity">();
  const [editing, setEditing] = useState<Note>();
  const { region, words, tell, tellAndFocus } = useTold();
  const dialog = { contact, onClose: () => setAdding(undefined), onDone: tell };
  return (
    <section aria-labelledby="timeline" className="min-w-0">
      <div className="mb-3 flex flex-wrap items-center justify-between gap-3">
        <h2 id="timeline" className="font-semibold text-lg">
          Timeline
        </h2>
        {contact.can_edit && (
          <div className="flex flex-wrap gap-2.5">
            <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setAdding("note")}>
              <NotebookPen aria-hidden />
              Add note
            </Button>
            <Button look="secondary" size="small" aria-haspopup="dialog" onClick={() => setAdding("activity")}>
              <PhoneCall aria-hidden />
              Log activity
            </Button>
          </div>
        )}
      </div>
      <KindFilter />
      <p ref={region} role="status" tabIndex={-1} className="mb-3 text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      <Entries contact={contact} onEdit={setEditing} onGone={tellAndFocus} />
      {editing && <EditNoteDialog {...dialog} note={editing} onClose={() => setEditing(undefined)} />}
      {adding === "note" && <NewNoteDialog {...dialog} />}
      {adding === "activity" && <ActivityDialog {...dialog} />}
    </section>
  );
}

/** Which kinds are shown, in the address; none chosen shows all. */
function KindFilter() {
  const [search, setSearch] = useSearchParams();
  const kinds = parseKinds(search);
  const choose = (next: Kind[]) => {
    const wanted = new URLSearchParams(search);
    wanted.delete("kind");
    for (const kind of next) wanted.append("kind", kind);
    setSearch(wanted, { replace: true, preventScrollReset: true });
  };
  return (
    <fieldset className="mb-4">
      <legend className="sr-only">Show in the timeline; none chosen shows all</legend>
      <div className="flex flex-wrap gap-2">
        {(Object.entries(KINDS) as [Kind, string][]).map(([kind, name]) => (
          <label
            key={kind}
            className="flex h-8 items-center rounded-full border border-control px-3 text-sm has-checked:border-brand has-focus-visible:outline-2 has-checked:bg-brand-soft has-focus-visible:outline-brand has-focus-visible:outline-offset-2 has-checked:font-medium has-checked:text-on-brand-soft"
          >
            <input
              type="checkbox"
              className="sr-only"
              checked={kinds.includes(kind)}
              onChange={() => choose(toggled(kinds, kind))}
            />
            {name}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

interface EntriesProps {
  contact: Contact;
  onEdit: (note: Note) => void;
  onGone: (words: string) => void;
}

function Entries({ contact, onEdit, onGone }: EntriesProps) {
  const [search] = useSearchParams();
  const kinds = parseKinds(search);
  const query = useInfiniteQuery({ ...timelineQuery(contact.id, kinds), ...followed });
  const entries = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, entries.length, "h3");
  if (query.isPending) return <Skeleton className="h-64 rounded-xl" />;
  if (query.isError && entries.length === 0)
    return (
      <Failure
        title="The timeline could not be loaded"
        error={query.error}
        onRetry={() => query.refetch()}
        retrying={query.isRefetching}
      />
    );
  if (entries.length === 0)
    return (
      <p className="card px-5 py-8 text-center text-ink-soft">
        {kinds.length > 0 ? "Nothing of this kind yet." : "Nothing has happened yet."}
      </p>
    );
  return (
    <>
      <ul ref={list} aria-label="Timeline" aria-busy={query.isPlaceholderData} className="card divide-y divide-line">
        {entries.map((entry) => (
          <TimelineItem
            key={`${entry.kind}-${entry.id}`}
            entry={entry}
            contact={contact}
            onEdit={onEdit}
            onGone={onGone}
          />
        ))}
      </ul>
      {query.isFetchNextPageError && (
        <p role="alert" className="mt-4 text-center text-bad text-sm">
          What happened before could not be loaded.
        </p>
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <div className="mt-5 text-center">
          <Button look="secondary" busy={query.isFetchingNextPage} onClick={loadMore}>
            {query.isFetchNextPageError ? "Try again" : "Show earlier"}
          </Button>
        </div>
      )}
    </>
  );
}
