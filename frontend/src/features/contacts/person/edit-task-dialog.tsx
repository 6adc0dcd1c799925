import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { isProblem } from "@/shared/api/problem";
import type { Task, TaskChange } from "@/shared/api/types";
import { TaskDialog } from "./task-dialog";
import { changeTask, newestOf, refreshWork } from "./work-queries";

interface EditTaskDialogProps {
  task: Task;
  onClose: () => void;
  onDone: (words: string) => void;
}

/** Changes a task. It stands beside the list, not in it: the row goes when a colleague finishes the task meanwhile. */
export function EditTaskDialog({ task, onClose, onDone }: EditTaskDialogProps) {
  const client = useQueryClient();
  // What the edit began with; a version that came in meanwhile is not what was looked at.
  const [seen, setSeen] = useState(task);
  const save = useMutation({
    mutationFn: (change: TaskChange) => changeTask(seen, change),
    onSuccess: async ({ title }) => {
      onClose();
      onDone(`Task saved: ${title}`);
      await refreshWork(client, task.person.id);
    },
    onError: async (error) => {
      if (!isProblem(error, "version-conflict")) return;
      setSeen((await newestOf(task)) ?? seen);
      await refreshWork(client, task.person.id);
    },
  });
  return (
    <TaskDialog
      title="Edit task"
      action="Save"
      task={seen}
      error={save.error}
      busy={save.isPending}
      onSave={save.mutate}
      onClose={onClose}
    />
  );
}
