import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fieldErrors, isPlaced } from "@/shared/api/field-errors";
import { explain } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { Field } from "@/shared/ui/field";
import { type Membership, MembershipFields } from "./membership-fields";
import { OneTimeLink } from "./one-time-link";
import { invitationsQuery, invite } from "./queries";

interface Draft extends Membership {
  name: string;
  email: string;
}

const FORM = "invite";

/** What was typed stays when the dialog is closed by mistake or the app refuses; it goes with the invitation. */
export function InviteDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { user: self } = useSession();
  const client = useQueryClient();
  const blank: Draft = { name: "", email: "", role: "agent", office_id: self.office_id, team_ids: [] };
  const [draft, setDraft] = useState(blank);
  const send = useMutation({
    mutationFn: invite,
    onSuccess: () => {
      setDraft(blank);
      return client.invalidateQueries({ queryKey: invitationsQuery.queryKey });
    },
  });
  const close = () => {
    send.reset();
    onClose();
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={send.isSuccess ? "Invitation sent" : "Invite a person"}
      shape="sheet"
      footer={
        send.isSuccess ? (
          <>
            <Button key="another" look="secondary" onClick={() => send.reset()}>
              Invite another
            </Button>
            <Button key="done" className="flex-1" onClick={close}>
              Done
            </Button>
          </>
        ) : (
          <>
            <Button look="secondary" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" form={FORM} className="flex-1" busy={send.isPending}>
              Send invitation
            </Button>
          </>
        )
      }
    >
      {send.isSuccess ? (
        <OneTimeLink invitation={send.data} />
      ) : (
        <InviteForm
          draft={draft}
          error={send.error}
          onChange={(change) => setDraft((now) => ({ ...now, ...change }))}
          onSubmit={() => send.isPending || send.mutate(trimmed(draft))}
        />
      )}
    </Dialog>
  );
}

const trimmed = (draft: Draft): Draft => ({ ...draft, name: draft.name.trim(), email: draft.email.trim() });

interface InviteFormProps {
  draft: Draft;
  error: Error | null;
  onChange: (change: Partial<Draft>) => void;
  onSubmit: () => void;
}

const FIELDS = ["name", "email", "role", "office_id", "team_ids"] as const;
const CODES = { "user-exists": "email", "invitation-exists": "email" } as const;

function InviteForm({ draft, error, onChange, onSubmit }: InviteFormProps) {
  const form = useFormFocus(error, { opened: true });
  const errors = fieldErrors(error, FIELDS, CODES);
  return (
    <form
      id={FORM}
      ref={form}
      className="grid gap-4.5"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {error && (
        <Alert look="bad">{isPlaced(errors) ? "Please correct what is marked below." : explain(error).message}</Alert>
      )}
      <Field
        label="Name"
        name="name"
        autoComplete="off"
        required
        value={draft.name}
        error={errors.name}
        onChange={(event) => onChange({ name: event.target.value })}
      />
      <Field
        label="Email"
        name="email"
        type="email"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        value={draft.email}
        error={errors.email}
        onChange={(event) => onChange({ email: event.target.value })}
      />
      <MembershipFields value={draft} errors={errors} onChange={onChange} />
    </form>
  );
}
