import { useMutation, useQueryClient } from "@tanstack/react-query";
import { MessageSquarePlus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api, body } from "@/shared/api/client";
import { useCan } from "@/shared/api/session";
import type { Lead, LeadInput, PropertyDetail } from "@/shared/api/types";
import { Alert } from "@/shared/ui/alert";
import { ASKER_FIELDS, AskerFields, askerBody, NO_ASKER } from "@/shared/ui/asker-fields";
import { Button, buttonStyle } from "@/shared/ui/button";
import { FormDialog } from "@/shared/ui/form-dialog";

const capture = (lead: LeadInput) => body(api.POST("/api/v1/leads", { body: lead }));

/** What visitors may see. */
const isPublic = ({ internet_display, standard_status }: PropertyDetail): boolean =>
  internet_display && standard_status !== "Incomplete";

/**
 * Asking about a listing: colleagues who add contacts write down who asked, and everybody else fills in the visitors'
 * form themselves, which takes questions about public listings alone.
 */
export function AskButton({ home }: { home: PropertyDetail }) {
  const canCreate = useCan("people.create");
  const [asking, setAsking] = useState(false);
  const [captured, setCaptured] = useState<Lead>();
  if (!canCreate)
    return (
      isPublic(home) && (
        <Link to={`/inquire/${home.id}`} className={buttonStyle()}>
          <MessageSquarePlus aria-hidden />
          Ask about this listing
        </Link>
      )
    );
  return (
    <div data-chrome className="grid gap-3">
      <Button
        aria-haspopup="dialog"
        onClick={() => {
          setCaptured(undefined);
          setAsking(true);
        }}
      >
        <MessageSquarePlus aria-hidden />
        Write down a lead
      </Button>
      {isPublic(home) && (
        <Link
          to={`/inquire/${home.id}`}
          className="inline-flex min-h-6 items-center justify-self-center text-brand text-sm underline underline-offset-4"
        >
          The form for visitors
        </Link>
      )}
      {captured && (
        <Alert look="info">
          The lead is written down. <Whereabouts lead={captured} />
        </Alert>
      )}
      {asking && <LeadDialog home={home} onClose={() => setAsking(false)} onDone={setCaptured} />}
    </div>
  );
}

/** The way to who asked, or who got the lead where its writer may not open them. */
function Whereabouts({ lead: { person, assigned_to: agent, can_open } }: { lead: Lead }) {
  if (can_open)
    return (
      <Link to={`/contacts/${person.id}`} className="font-medium underline underline-offset-4">
        Open {person.name}
      </Link>
    );
  if (agent === null) return `${person.name} waits to be claimed in the listing’s office.`;
  return `${agent.name ?? "A colleague"} looks after ${person.name}.`;
}

interface LeadDialogProps {
  home: PropertyDetail;
  onClose: () => void;
  onDone: (lead: Lead) => void;
}

function LeadDialog({ home, onClose, onDone }: LeadDialogProps) {
  const client = useQueryClient();
  const [asker, setAsker] = useState(NO_ASKER);
  const [consent, setConsent] = useState(false);
  const save = useMutation({
    mutationFn: () =>
      capture({ ...askerBody(asker), property_id: home.id, type: "Property Inquiry", source: "Manual", consent }),
    onSuccess: (lead) => {
      for (const queryKey of [["leads"], ["contacts"]]) void client.invalidateQueries({ queryKey });
      onClose();
      onDone(lead);
    },
  });
  return (
    <FormDialog
      title="Who asks about this listing?"
      action="Write down"
      error={save.error}
      fields={ASKER_FIELDS}
      busy={save.isPending}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <AskerFields
            value={asker}
            errors={errors}
            isOwn={false}
            onChange={(change) => setAsker((now) => ({ ...now, ...change }))}
          />
          <label className="flex min-h-9 items-center gap-2.5 text-sm">
            <input
              type="checkbox"
              className="size-4.5 shrink-0 accent-brand"
              checked={consent}
              onChange={(event) => setConsent(event.target.checked)}
            />
            They agreed to be contacted about this
          </label>
        </>
      )}
    </FormDialog>
  );
}
