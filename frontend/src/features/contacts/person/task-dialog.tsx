import { useState } from "react";
import { useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { Task } from "@/shared/api/types";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { nameOf, useColleagues } from "../colleagues";
import { isKnownZone, ownZone, toInstant, toLocal } from "./zone-time";

/** A task as its form gives it. */
interface TaskValues {
  title: string;
  due_at: string | null;
  time_zone: string;
  assigned_to: string | null;
}

interface TaskDialogProps {
  title: string;
  action: string;
  /** Left out for a new one. */
  task?: Task;
  error: Error | null;
  busy: boolean;
  onSave: (values: TaskValues) => void;
  onClose: () => void;
}

const FIELDS = ["title", "due_at", "time_zone", "assigned_to"] as const;

/** The form of a task. Its time is meant in a zone, which is kept with it: the brokerage's unless another is chosen. */
export function TaskDialog({ title, action, task, error, busy, onSave, onClose }: TaskDialogProps) {
  const { user: self } = useSession();
  const { time_zone: home } = useTenant();
  const [draft, setDraft] = useState(() => {
    const zone = task?.time_zone ?? (isKnownZone(home) ? home : ownZone());
    return {
      title: task?.title ?? "",
      due: task?.due_at && isKnownZone(zone) ? toLocal(task.due_at, zone) : "",
      zone,
      assignee: task ? (task.assigned_to?.id ?? "") : self.id,
    };
  });
  const set = (change: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...change }));
  const zones = [...new Set([draft.zone, home, ownZone()])].filter(isKnownZone);
  return (
    <FormDialog
      title={title}
      action={action}
      error={error}
      fields={FIELDS}
      busy={busy}
      onSubmit={() =>
        onSave({
          title: draft.title.trim(),
          due_at: draft.due ? toInstant(draft.due, draft.zone) : null,
          time_zone: draft.zone,
          assigned_to: draft.assignee || null,
        })
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
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
