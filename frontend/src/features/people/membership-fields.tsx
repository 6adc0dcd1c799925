import { useSession } from "@/shared/api/session";
import type { Role, User } from "@/shared/api/types";
import { words } from "@/shared/lib/format";
import { CheckboxGroup } from "@/shared/ui/checkbox-group";
import { SelectField } from "@/shared/ui/select-field";
import { isOwner, ROLE_EFFECTS, rolesToGive } from "./rights";
import { usePlaces } from "./use-places";

export type Membership = Pick<User, "role" | "office_id" | "team_ids">;

interface MembershipFieldsProps {
  value: Membership;
  errors: Partial<Record<keyof Membership, string | undefined>>;
  onChange: (change: Partial<Membership>) => void;
}

/** Role, office and the office's teams. Whoever moves to another office leaves the teams of the old one. */
export function MembershipFields({ value, errors, onChange }: MembershipFieldsProps) {
  const { user: self } = useSession();
  const { offices, teams } = usePlaces();
  const roles = [...new Set([...rolesToGive(self), value.role])];
  const choices = isOwner(self) ? offices : offices.filter(({ id }) => id === self.office_id);
  const offered = teams.filter(({ office_id }) => office_id === value.office_id);
  return (
    <>
      <SelectField
        label="Role"
        name="role"
        value={value.role}
        hint={ROLE_EFFECTS[value.role]}
        error={errors.role}
        onChange={(event) => onChange({ role: event.target.value as Role })}
      >
        {roles.map((role) => (
          <option key={role} value={role}>
            {words(role)}
          </option>
        ))}
      </SelectField>
      <SelectField
        label="Office"
        name="office_id"
        required={value.role === "office_manager"}
        value={value.office_id ?? ""}
        hint={isOwner(self) && offices.length === 0 ? "There is none yet; offices are made under Offices." : undefined}
        error={errors.office_id}
        onChange={(event) => onChange({ office_id: event.target.value || null, team_ids: [] })}
      >
        {(isOwner(self) || !value.office_id) && <option value="">No office</option>}
        {value.office_id && !choices.some(({ id }) => id === value.office_id) && (
          <option value={value.office_id}>…</option>
        )}
        {choices.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </SelectField>
      {offered.length > 0 && (
        <CheckboxGroup
          label="Teams"
          options={offered.map(({ id, name }) => ({ id, label: name }))}
          value={value.team_ids}
          error={errors.team_ids}
          onChange={(team_ids) => onChange({ team_ids })}
        />
      )}
    </>
  );
}
