import { useInfiniteQuery } from "@tanstack/react-query";
import { ListChecks } from "lucide-react";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { useCan } from "@/shared/api/session";
import type { Task } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { useLoadMore } from "@/shared/lib/use-load-more";
import { useTold } from "@/shared/lib/use-told";
import { EmptyState } from "@/shared/ui/empty-state";
import { Failure } from "@/shared/ui/failure";
import { LoadMore } from "@/shared/ui/load-more";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Select } from "@/shared/ui/select";
import { Skeleton } from "@/shared/ui/skeleton";
import { ContactsTabs, NOT_FOR_YOU } from "./contacts-tabs";
import { EditTaskDialog } from "./person/edit-task-dialog";
import { TaskRow } from "./person/task-row";
import { tasksQuery } from "./person/work-queries";

export function TasksPage() {
  if (useCan("leads.work")) return <Tasks />;
  return <NotAllowed title="Tasks">{NOT_FOR_YOU}</NotAllowed>;
}

/** What is to be done and what is done, one's own or of everybody in view; the choice is in the address. */
function Tasks() {
  const [search, setSearch] = useSearchParams();
  const owner = search.get("owner") === "all" ? "all" : "mine";
  const state = search.get("state") === "done" ? "done" : "open";
  const query = useInfiniteQuery(tasksQuery(owner, state));
  const total = query.isPlaceholderData ? undefined : query.data?.pages.at(-1)?.total;
  const choose = (name: string, value: string, plain: string) => {
    const wanted = new URLSearchParams(search);
    if (value === plain) wanted.delete(name);
    else wanted.set(name, value);
    setSearch(wanted);
  };
  return (
    <div className="mx-auto max-w-4xl">
      <div className="mb-4 flex flex-wrap items-baseline gap-x-3">
        <PageTitle>Tasks</PageTitle>
        <p role="status" className="text-ink-soft tabular-nums">
          {total === undefined ? "" : plural(total, "task", "tasks")}
        </p>
      </div>
      <div className="mb-5 flex flex-wrap items-center gap-3">
        <ContactsTabs />
        <Select
          aria-label="Whose tasks"
          className="w-44 sm:ml-auto"
          value={owner}
          onChange={(event) => choose("owner", event.target.value, "mine")}
        >
          <option value="mine">Mine</option>
          <option value="all">Everybody’s</option>
        </Select>
        <Select
          aria-label="State"
          className="w-32"
          value={state}
          onChange={(event) => choose("state", event.target.value, "open")}
        >
          <option value="open">Open</option>
          <option value="done">Done</option>
        </Select>
      </div>
      <TaskList owner={owner} state={state} />
    </div>
  );
}

interface TaskListProps {
  owner: "mine" | "all";
  state: "open" | "done";
}

function TaskList({ owner, state }: TaskListProps) {
  const query = useInfiniteQuery(tasksQuery(owner, state));
  const tasks = query.data?.pages.flatMap(({ items }) => items) ?? [];
  const { list, loadMore } = useLoadMore<HTMLUListElement>(query, tasks.length, "a");
  const [editing, setEditing] = useState<Task>();
  const { region, words, tellAndFocus } = useTold();
  return (
    <>
      <p ref={region} role="status" tabIndex={-1} className="mb-3 text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      {query.isPending ? (
        <Skeleton className="h-64 rounded-xl" />
      ) : query.isError && tasks.length === 0 ? (
        <Failure title="Tasks could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : tasks.length === 0 ? (
        <EmptyState Icon={ListChecks} title={state === "open" ? "Nothing is to be done" : "Nothing is done yet"}>
          Tasks are added on the page of a contact.
        </EmptyState>
      ) : (
        <ul ref={list} aria-label="Tasks" className="card divide-y divide-line px-5">
          {tasks.map((task) => (
            <TaskRow key={task.id} task={task} withContact onEdit={setEditing} onDone={tellAndFocus} />
          ))}
        </ul>
      )}
      {(query.hasNextPage || query.isFetchNextPageError) && (
        <LoadMore
          query={query}
          shown={tasks.length}
          total={query.data?.pages.at(-1)?.total ?? 0}
          what="tasks"
          onMore={loadMore}
          className="mt-6"
        />
      )}
      {editing && <EditTaskDialog task={editing} onClose={() => setEditing(undefined)} onDone={tellAndFocus} />}
    </>
  );
}
