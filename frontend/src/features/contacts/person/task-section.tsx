import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { Contact } from "@/shared/api/types";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { TaskDialog } from "./task-dialog";
import { TaskRow } from "./task-row";
import { addTask, openTasksQuery, refreshWork } from "./work-queries";

/** What is to be done for a contact. Who may only claim them sees none of it. */
export function TaskSection({ contact }: { contact: Contact }) {
  const client = useQueryClient();
  const query = useQuery({ ...openTasksQuery(contact.id), enabled: contact.can_edit });
  const [adding, setAdding] = useState(false);
  const [done, setDone] = useState("");
  const status = useRef<HTMLParagraphElement>(null);
  // The row that had the focus is gone with what was done.
  useEffect(() => {
    if (done) status.current?.focus();
  }, [done]);
  const create = useMutation({
    mutationFn: (task: Parameters<typeof addTask>[1]) => addTask(contact.id, task),
    onSuccess: async ({ title }) => {
      setAdding(false);
      setDone(`Task added: ${title}`);
      await refreshWork(client, contact.id);
    },
  });
  if (!contact.can_edit) return null;
  const tasks = query.data ?? [];
  return (
    <section aria-labelledby="tasks" className="card px-5 py-5">
      <div className="mb-2 flex items-center justify-between gap-3">
        <h2 id="tasks" className="font-semibold text-lg">
          Tasks
        </h2>
        <Button
          look="secondary"
          size="small"
          aria-haspopup="dialog"
          onClick={() => {
            create.reset();
            setAdding(true);
          }}
        >
          <Plus aria-hidden />
          Add task
        </Button>
      </div>
      {query.isPending ? (
        <Skeleton className="h-12" />
      ) : query.isError && !query.data ? (
        <Failure title="Tasks could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : tasks.length === 0 ? (
        <p className="text-ink-soft text-sm">Nothing is to be done.</p>
      ) : (
        <ul className="divide-y divide-line">
          {tasks.map((task) => (
            <TaskRow key={task.id} task={task} onDone={setDone} />
          ))}
        </ul>
      )}
      <p ref={status} role="status" tabIndex={-1} className="mt-2 text-ink-soft text-sm outline-none empty:hidden">
        {done}
      </p>
      {adding && (
        <TaskDialog
          title="New task"
          action="Add task"
          error={create.error}
          busy={create.isPending}
          onSave={create.mutate}
          onClose={() => setAdding(false)}
        />
      )}
    </section>
  );
}
