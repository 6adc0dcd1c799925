import { useMutation, useQueryClient } from "@tanstack/react-query";
import { MessageSquarePlus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { api, body } from "@/shared/api/client";
import { useCan } from "@/shared/api/session";
import type { LeadInput, PropertyDetail } from "@/shared/api/types";
import { Alert } from "@/shared/ui/alert";
import { ASKER_FIELDS, AskerFields, askerBody, NO_ASKER } from "@/shared/ui/asker-fields";
import { Button, buttonStyle } from "@/shared/ui/button";
import { FormDialog } from "@/shared/ui/form-dialog";

const capture = (lead: LeadInput) => body(api.POST("/api/v1/leads", { body: lead }));

/**
 * Asking about a listing: colleagues who look after contacts write down who asked, and everybody else fills in the
 * visitors' form themselves.
 */
export function AskButton({ home }: { home: PropertyDetail }) {
  const canWork = useCan("leads.work");
  const [asking, setAsking] = useState(false);
  const [person, setPerson] = useState<{ id: string; name: string }>();
  if (!canWork)
    return (
      <Link to={`/inquire/${home.id}`} className={buttonStyle()}>
        <MessageSquarePlus aria-hidden />
        Ask about this listing
      </Link>
    );
  return (
    <div data-chrome className="grid gap-3">
      <Button
        aria-haspopup="dialog"
        onClick={() => {
          setPerson(undefined);
          setAsking(true);
        }}
      >
        <MessageSquarePlus aria-hidden />
        Write down a lead
      </Button>
      <Link
        to={`/inquire/${home.id}`}
        className="inline-flex min-h-6 items-center justify-self-center text-brand text-sm underline underline-offset-4"
      >
        The form for visitors
      </Link>
      {person && (
        <Alert look="info">
          The lead is written down.{" "}
          <Link to={`/contacts/${person.id}`} className="font-medium underline underline-offset-4">
            Open {person.name}
          </Link>
        </Alert>
      )}
      {asking && <LeadDialog home={home} onClose={() => setAsking(false)} onDone={setPerson} />}
    </div>
  );
}

interface LeadDialogProps {
  home: PropertyDetail;
  onClose: () => void;
  onDone: (person: { id: string; name: string }) => void;
}

function LeadDialog({ home, onClose, onDone }: LeadDialogProps) {
  const client = useQueryClient();
  const [asker, setAsker] = useState(NO_ASKER);
  const [consent, setConsent] = useState(false);
  const save = useMutation({
    mutationFn: () =>
      capture({ ...askerBody(asker), property_id: home.id, type: "Property Inquiry", source: "Manual", consent }),
    onSuccess: ({ person }) => {
      for (const queryKey of [["leads"], ["contacts"]]) void client.invalidateQueries({ queryKey });
      onClose();
      onDone(person);
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
