import { useState } from "react";
import { useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { Task, TaskChange } from "@/shared/api/types";
import { nameOf } from "@/shared/lib/name-of";
import { isKnownZone, ownZone } from "@/shared/lib/zone-time";
import { Alert } from "@/shared/ui/alert";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { useColleagues } from "../colleagues";
import { changeOf, draftOf, type TaskDraft, valuesOf } from "./task-draft";

interface TaskDialogProps {
  title: string;
  action: string;
  error: Error | null;
  busy: boolean;
  onClose: () => void;
}

interface NewTask {
  task?: undefined;
  onSave: (values: ReturnType<typeof valuesOf>) => void;
}

interface PresentTask {
  task: Task;
  /** Told what was touched. */
  onSave: (change: TaskChange) => void;
}

const FIELDS = ["title", "due_at", "time_zone", "assigned_to"] as const;

/** The form of a task. Its time is meant in a zone, which is kept with it: the brokerage's unless another is chosen. */
export function TaskDialog(props: TaskDialogProps & (NewTask | PresentTask)) {
  const { title, action, task, error, busy, onClose } = props;
  const { user: self } = useSession();
  const { time_zone: home } = useTenant();
  const [edit, setEdit] = useState<Partial<TaskDraft>>({});
  const start = draftOf(task, { home, self: self.id });
  const draft = { ...start, ...edit };
  const set = (change: Partial<TaskDraft>) => setEdit((now) => ({ ...now, ...change }));
  const zones = [...new Set([draft.zone, home, ownZone()])].filter(isKnownZone);
  return (
    <FormDialog
      title={title}
      action={action}
      error={error}
      fields={FIELDS}
      busy={busy}
      onSubmit={() => (props.task ? props.onSave(changeOf(start, draft)) : props.onSave(valuesOf(draft)))}
      onClose={onClose}
    >
      {(errors) => (
        <>
          {task?.done_at && <Alert look="info">This task is done by now.</Alert>}
          <Field
            label="What is to be done"
            name="title"
            autoComplete="off"
            required
            maxLength={200}
            value={draft.title}
            error={errors.title}
            onChange={(event) => set({ title: event.target.value })}
          />
          <Field
            label="Due"
            name="due_at"
            type="datetime-local"
            hint="May stay empty."
            value={draft.due}
            error={errors.due_at}
            onChange={(event) => set({ due: event.target.value })}
          />
          <SelectField
            label="Time zone"
            name="time_zone"
            value={draft.zone}
            error={errors.time_zone}
            onChange={(event) => set({ zone: event.target.value })}
          >
            {zones.map((zone) => (
              <option key={zone} value={zone}>
                {zone.replaceAll("_", " ")}
                {zone === home && " (the brokerage’s)"}
              </option>
            ))}
          </SelectField>
          <AssigneeField
            present={task?.assigned_to}
            value={draft.assignee}
            mayBeNobody={task !== undefined}
            error={errors.assigned_to}
            onChange={(assignee) => set({ assignee })}
          />
        </>
      )}
    </FormDialog>
  );
}

interface AssigneeFieldProps {
  present: Task["assigned_to"] | undefined;
  value: string;
  mayBeNobody: boolean;
  error: string | undefined;
  onChange: (assignee: string) => void;
}

function AssigneeField({ present, value, mayBeNobody, error, onChange }: AssigneeFieldProps) {
  const { user: self } = useSession();
  const others = useColleagues().filter(({ id }) => id !== self.id);
  return (
    <SelectField
      label="Who does it"
      name="assigned_to"
      value={value}
      error={error}
      onChange={(event) => onChange(event.target.value)}
    >
      {mayBeNobody && <option value="">Nobody</option>}
      <option value={self.id}>{self.name} (you)</option>
      {present && present.id !== self.id && !others.some(({ id }) => id === present.id) && (
        <option value={present.id}>{nameOf(present)}</option>
      )}
      {others.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </SelectField>
  );
}
