import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { Delegation, User } from "@/shared/api/types";
import { toInstant, toLocal } from "@/shared/lib/zone-time";
import { CheckboxGroup } from "@/shared/ui/checkbox-group";
import { Field } from "@/shared/ui/field";
import { FormDialog } from "@/shared/ui/form-dialog";
import { SelectField } from "@/shared/ui/select-field";
import { coordinatorsQuery, delegate } from "./queries";

type Resource = Delegation["resources"][number];

export const WHAT: Record<Resource, string> = { listing: "Listings", person: "Contacts" };
const RESOURCES = Object.keys(WHAT) as Resource[];
const FIELDS = ["assistant_id", "user_id", "resources", "expires_at"] as const;
const MONTH_MS = 30 * 86_400_000;
// The end of that day is still less than the 366 days that the app allows.
const YEAR_MS = 365 * 86_400_000;

interface DelegateDialogProps {
  /** Whose records they are. */
  user: Pick<User, "id" | "name">;
  onDone: (delegation: Delegation) => void;
  onClose: () => void;
}

/** Lets a coordinator work on somebody's records until the end of a day. */
export function DelegateDialog({ user, onDone, onClose }: DelegateDialogProps) {
  const { time_zone: zone } = useTenant();
  const client = useQueryClient();
  const coordinators = useQuery(coordinatorsQuery);
  const day = (fromNow: number) => toLocal(new Date(Date.now() + fromNow).toISOString(), zone).slice(0, 10);
  const [assistant, setAssistant] = useState("");
  const [resources, setResources] = useState<Resource[]>(RESOURCES);
  const [until, setUntil] = useState(() => day(MONTH_MS));
  const create = useMutation({
    mutationFn: () =>
      delegate({
        assistant_id: assistant,
        user_id: user.id,
        resources,
        expires_at: toInstant(`${until}T23:59`, zone),
      }),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ["delegations"] });
      onDone(made);
    },
  });
  const isEmpty = coordinators.data?.length === 0;
  return (
    <FormDialog
      title={`Delegate work of ${user.name}`}
      action="Delegate"
      error={create.error ?? coordinators.error}
      fields={FIELDS}
      busy={create.isPending}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <SelectField
            label="To"
            name="assistant_id"
            required
            value={assistant}
            hint={isEmpty ? "There is no coordinator you could choose. Owners and managers invite them." : undefined}
            error={errors.assistant_id ?? errors.user_id}
            onChange={(event) => setAssistant(event.target.value)}
          >
            <option value="">Choose a coordinator</option>
            {coordinators.data?.map(({ id, name, email }) => (
              <option key={id} value={id}>
                {name || email}
              </option>
            ))}
          </SelectField>
          <CheckboxGroup
            label="What"
            options={RESOURCES.map((id) => ({ id, label: WHAT[id] }))}
            value={resources}
            required
            hint="Leads, notes and tasks go with contacts, photos with listings. Every change names who made it."
            error={errors.resources}
            onChange={setResources}
          />
          <Field
            label="Until the end of"
            name="expires_at"
            type="date"
            required
            min={day(0)}
            max={day(YEAR_MS)}
            hint="At most a year. It can be ended earlier at any time."
            value={until}
            error={errors.expires_at}
            onChange={(event) => setUntil(event.target.value)}
          />
        </>
      )}
    </FormDialog>
  );
}
