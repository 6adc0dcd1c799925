import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { ActivityInput, Contact } from "@/shared/api/types";
import { isKnownZone, ownZone, toInstant } from "@/shared/lib/zone-time";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { TextAreaField } from "@/shared/ui/text-area-field";
import { ACTIVITIES } from "./entry-words";
import { addActivity, refreshWork } from "./work-queries";

type ActivityKind = ActivityInput["kind"];
type Direction = NonNullable<ActivityInput["direction"]>;

interface ActivityDialogProps {
  contact: Contact;
  onClose: () => void;
  onDone: (words: string) => void;
}

const FIELDS = ["kind", "direction", "at", "outcome"] as const;

/** What one side says and the other hears. */
const isSpoken = (kind: ActivityKind): boolean => ["call", "email", "text"].includes(kind);

/** Writes down what was done for a contact; what went out answers the leads before it. */
export function ActivityDialog({ contact, onClose, onDone }: ActivityDialogProps) {
  const client = useQueryClient();
  const { time_zone: home } = useTenant();
  const zone = isKnownZone(home) ? home : ownZone();
  const [draft, setDraft] = useState({
    kind: "call" as ActivityKind,
    direction: "outgoing" as Direction,
    at: "",
    outcome: "",
  });
  const set = (change: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...change }));
  const log = useMutation({
    mutationFn: () =>
      addActivity(contact.id, {
        kind: draft.kind,
        direction: isSpoken(draft.kind) ? draft.direction : null,
        at: draft.at ? toInstant(draft.at, zone) : null,
        outcome: draft.outcome.trim() || null,
      }),
    onSuccess: async () => {
      onClose();
      onDone(`${ACTIVITIES[draft.kind]} logged.`);
      await refreshWork(client, contact.id);
    },
  });
  return (
    <FormDialog
      title="Log activity"
      action="Log"
      error={log.error}
      fields={FIELDS}
      busy={log.isPending}
      onSubmit={() => log.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <SelectField
            label="What"
            name="kind"
            value={draft.kind}
            error={errors.kind}
            onChange={(event) => set({ kind: event.target.value as ActivityKind })}
          >
            {Object.entries(ACTIVITIES).map(([kind, name]) => (
              <option key={kind} value={kind}>
                {name}
              </option>
            ))}
          </SelectField>
          {isSpoken(draft.kind) && (
            <SelectField
              label="Who began"
              name="direction"
              value={draft.direction}
              hint={draft.direction === "outgoing" ? "It answers the leads that came before it." : undefined}
              error={errors.direction}
              onChange={(event) => set({ direction: event.target.value as Direction })}
            >
              <option value="outgoing">We: it went out</option>
              <option value="incoming">They: it came in</option>
            </SelectField>
          )}
          <Field
            label="When"
            name="at"
            type="datetime-local"
            hint={`May stay empty: now. In the time of ${zone.replaceAll("_", " ")}.`}
            value={draft.at}
            error={errors.at}
            onChange={(event) => set({ at: event.target.value })}
          />
          <TextAreaField
            label="Outcome"
            name="outcome"
            maxLength={1000}
            hint="May stay empty."
            value={draft.outcome}
            error={errors.outcome}
            onChange={(event) => set({ outcome: event.target.value })}
          />
        </>
      )}
    </FormDialog>
  );
}
