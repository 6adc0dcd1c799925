import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { Contact, Task } from "@/shared/api/types";
import { followed } from "@/shared/lib/use-live";
import { useTold } from "@/shared/lib/use-told";
import { Button } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { Skeleton } from "@/shared/ui/skeleton";
import { EditTaskDialog } from "./edit-task-dialog";
import { TaskDialog } from "./task-dialog";
import { TaskRow } from "./task-row";
import { addTask, openTasksQuery, refreshWork } from "./work-queries";

/** What is to be done for a contact. Who may only claim them sees none of it. */
export function TaskSection({ contact }: { contact: Contact }) {
  const client = useQueryClient();
  const query = useQuery({ ...openTasksQuery(contact.id), ...followed, enabled: contact.can_edit });
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Task>();
  const { region, words, tellAndFocus } = useTold();
  const create = useMutation({
    mutationFn: (task: Parameters<typeof addTask>[1]) => addTask(contact.id, task),
    onSuccess: async ({ title }) => {
      setAdding(false);
      tellAndFocus(`Task added: ${title}`);
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
            <TaskRow key={task.id} task={task} onEdit={setEditing} onDone={tellAndFocus} />
          ))}
        </ul>
      )}
      <p ref={region} role="status" tabIndex={-1} className="mt-2 text-ink-soft text-sm outline-none empty:hidden">
        {words}
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
      {editing && <EditTaskDialog task={editing} onClose={() => setEditing(undefined)} onDone={tellAndFocus} />}
    </section>
  );
}
