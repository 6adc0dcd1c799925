import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Hand, UserRoundCog } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { explain, isProblem } from "@/shared/api/problem";
import { useSession } from "@/shared/api/session";
import type { Contact } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { useTold } from "@/shared/lib/use-told";
import { Alert } from "@/shared/ui/alert";
import { Avatar } from "@/shared/ui/avatar";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { PageTitle } from "@/shared/ui/page";
import { claimContact, moveContact, refreshContacts } from "../queries";
import { AssignDialog } from "./assign-dialog";
import { StageMenu } from "./stage-menu";

/** Why a change of stage or of assignment did not happen; the page shows the newest state by then. */
function reason(error: Error): string {
  if (isProblem(error, "version-conflict"))
    return `${error.body.changed_by ?? "Someone else"} changed this contact meanwhile. The page shows it now; decide again.`;
  if (isProblem(error, "lead-taken")) return "Somebody else was quicker and looks after this contact now.";
  return explain(error).message;
}

/** Who it is, in which stage, and who looks after them. */
export function ContactHeader({ contact }: { contact: Contact }) {
  const client = useQueryClient();
  const [assigning, setAssigning] = useState(false);
  const { region, words, tell, tellAndFocus } = useTold();
  const settle = { onError: () => refreshContacts(client) };
  const move = useMutation({
    mutationFn: (stage: string) => moveContact(contact, stage),
    onSuccess: (saved) => {
      tell(`${saved.name} is in ${saved.stage_name} now.`);
      return refreshContacts(client, saved);
    },
    ...settle,
  });
  const claim = useMutation({
    mutationFn: () => claimContact(contact.id),
    onSuccess: (saved) => {
      tellAndFocus(`You look after ${saved.name} now.`);
      return refreshContacts(client, saved);
    },
    ...settle,
  });
  const failed = [move, claim].find(({ isError }) => isError)?.error;
  const refusal = useRef<HTMLDivElement>(null);
  // The button that had the focus is gone once somebody else was quicker.
  useEffect(() => {
    if (claim.isError) refusal.current?.focus();
  }, [claim.isError]);
  const begin = () => {
    tell("");
    move.reset();
    claim.reset();
  };
  return (
    <header className="mb-6 grid gap-4">
      <div className="flex items-center gap-4">
        <Avatar name={contact.name} className="size-12 text-base" />
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <PageTitle className="break-words">{contact.name}</PageTitle>
            {contact.open_leads > 0 && (
              <Badge tone="warn">{plural(contact.open_leads, "open lead", "open leads")}</Badge>
            )}
          </div>
          <Assignee contact={contact} />
        </div>
      </div>
      <div className="flex flex-wrap items-center gap-2.5">
        <StageMenu
          contact={contact}
          busy={move.isPending}
          onMove={(stage) => {
            begin();
            move.mutate(stage);
          }}
        />
        {contact.can_claim && (
          <Button
            busy={claim.isPending}
            onClick={() => {
              begin();
              claim.mutate();
            }}
          >
            <Hand aria-hidden />
            Claim
          </Button>
        )}
        {contact.can_assign && (
          <Button look="secondary" aria-haspopup="dialog" onClick={() => setAssigning(true)}>
            <UserRoundCog aria-hidden />
            Assign…
          </Button>
        )}
      </div>
      <p ref={region} role="status" tabIndex={-1} className="text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      {failed && (
        <div ref={refusal} tabIndex={-1} className="outline-none">
          <Alert look="bad">{reason(failed)}</Alert>
        </div>
      )}
      {!contact.can_edit && contact.can_claim && (
        <Alert look="info">
          Nobody looks after this contact yet. Claim them to add notes and tasks and to change anything.
        </Alert>
      )}
      {assigning && (
        <AssignDialog
          contact={contact}
          onClose={() => setAssigning(false)}
          onDone={(outcome) => {
            begin();
            tell(outcome);
          }}
        />
      )}
    </header>
  );
}

function Assignee({ contact }: { contact: Contact }) {
  const { user } = useSession();
  const who = contact.assigned_to;
  if (!who) return <p className="text-ink-soft text-sm">Nobody looks after them yet</p>;
  return (
    <p className="break-words text-ink-soft text-sm">
      {who.id === user.id ? "Looked after by you" : `Looked after by ${nameOf(who)}`}
    </p>
  );
}
