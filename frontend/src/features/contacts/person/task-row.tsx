import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Check, Pencil, Undo2 } from "lucide-react";
import { Link } from "react-router";
import { explain, isProblem } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { Task } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { useNow } from "@/shared/lib/use-now";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { changeTask, refreshWork } from "./work-queries";

interface TaskRowProps {
  task: Task;
  /** Shown where the tasks are not all about one contact. */
  withContact?: boolean;
  onEdit: (task: Task) => void;
  onDone: (words: string) => void;
}

const reason = (error: Error): string =>
  isProblem(error, "version-conflict")
    ? "Someone else changed this task meanwhile. It is shown as it is now; decide again."
    : explain(error).message;

/** One thing to do: who, until when in the zone in which it was meant, and that it is done. */
export function TaskRow({ task, withContact = false, onEdit, onDone }: TaskRowProps) {
  const client = useQueryClient();
  const refresh = () => refreshWork(client, task.person.id);
  const finish = useMutation({
    mutationFn: (isFinished: boolean) => changeTask(task, { is_done: isFinished }),
    onSuccess: async ({ title }, isFinished) => {
      onDone(`${isFinished ? "Done" : "Open again"}: ${title}`);
      await refresh();
    },
    onError: (error) => isProblem(error, "version-conflict") && refresh(),
  });
  const isDone = task.done_at !== null;
  const Icon = isDone ? Undo2 : Check;
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 py-3">
      <div className="min-w-0 flex-1 basis-48">
        <p className="break-words font-medium">{task.title}</p>
        {withContact && (
          <Link
            to={`/contacts/${task.person.id}`}
            className="inline-flex min-h-6 items-center break-words text-brand text-sm underline underline-offset-4"
          >
            {task.person.name}
          </Link>
        )}
        <TaskFacts task={task} />
        {finish.isError && (
          <p role="alert" className="text-bad text-sm">
            {reason(finish.error)}
          </p>
        )}
      </div>
      <div className="flex gap-2">
        {!isDone && (
          <Button look="quiet" size="small" aria-haspopup="dialog" onClick={() => onEdit(task)}>
            <Pencil aria-hidden />
            <span className="sr-only">Edit task {task.title}</span>
          </Button>
        )}
        <Button look="secondary" size="small" busy={finish.isPending} onClick={() => finish.mutate(!isDone)}>
          <Icon aria-hidden />
          {isDone ? "Open again" : "Done"}
          <span className="sr-only">: {task.title}</span>
        </Button>
      </div>
    </li>
  );
}

function TaskFacts({ task }: { task: Task }) {
  const now = useNow();
  const { user } = useSession();
  const who = task.assigned_to?.id === user.id ? "You" : nameOf(task.assigned_to);
  const isLate = task.done_at === null && task.due_at !== null && Date.parse(task.due_at) < now;
  return (
    <p className="flex flex-wrap items-center gap-x-2 gap-y-1 text-ink-soft text-sm">
      {isLate && <Badge tone="bad">Overdue</Badge>}
      <span>
        {task.done_at
          ? `Done ${moment(task.done_at, task.time_zone)}`
          : task.due_at
            ? `Due ${moment(task.due_at, task.time_zone)}`
            : "No time set"}
        {` · ${who}`}
      </span>
    </p>
  );
}
