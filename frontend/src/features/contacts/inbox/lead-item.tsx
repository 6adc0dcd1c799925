import { Hand } from "lucide-react";
import { Link } from "react-router";
import { useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { Lead } from "@/shared/api/types";
import { moment, span } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { useNow } from "@/shared/lib/use-now";
import { Badge, type Tone } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";

const LOOKS: Record<Lead["state"], { words: string; tone: Tone }> = {
  new: { words: "New", tone: "warn" },
  assigned: { words: "Assigned", tone: "info" },
  responded: { words: "Responded", tone: "good" },
};

interface LeadItemProps {
  lead: Lead;
  /** The inbox's search, for the way back. */
  search: string;
  isClaiming: boolean;
  onClaim: () => void;
}

/** One lead: who asks for what, how long they have waited, and who answers. */
export function LeadItem({ lead, search, isClaiming, onClaim }: LeadItemProps) {
  const { time_zone: zone } = useTenant();
  const { user } = useSession();
  const reached = [lead.email, lead.phone].filter(Boolean).join(" · ");
  return (
    <li className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3 px-4 py-4 sm:px-5">
      <div className="grid min-w-0 flex-1 basis-64 gap-1">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <Link
            id={`lead-${lead.id}`}
            to={`/contacts/${lead.person.id}`}
            state={{ inbox: search }}
            className="inline-flex min-h-6 min-w-0 items-center break-words font-medium underline-offset-4 hover:underline"
          >
            {lead.name}
          </Link>
          <Badge tone={LOOKS[lead.state].tone}>{LOOKS[lead.state].words}</Badge>
          <Waiting lead={lead} />
        </p>
        <p className="break-words text-ink-soft text-sm">
          {lead.type} · {lead.source}
          {reached && ` · ${reached}`}
          {!lead.consent && " · has not agreed to be contacted"}
        </p>
        {lead.listing && (
          <Link
            to={`/listings/${lead.listing.id}`}
            className="inline-flex min-h-6 items-center break-words text-brand text-sm underline underline-offset-4"
          >
            {lead.listing.address}
          </Link>
        )}
        {lead.message && <p className="whitespace-pre-line break-words">{lead.message}</p>}
        <p className="break-words text-ink-soft text-sm">
          {moment(lead.received_at, zone)}
          {lead.captured_by && `, written down by ${nameOf(lead.captured_by)}`}
          {" · "}
          {caretaker(lead, user.id)}
        </p>
      </div>
      {lead.can_claim && (
        <Button busy={isClaiming} onClick={onClaim}>
          <Hand aria-hidden />
          Claim<span className="sr-only"> {lead.name}</span>
        </Button>
      )}
    </li>
  );
}

function caretaker({ assigned_to: who }: Lead, self: string): string {
  if (who?.id === self) return "You look after them";
  return who ? `${nameOf(who)} looks after them` : "Nobody looks after them";
}

/** How long somebody waits for an answer, or waited for the first. */
function Waiting({ lead }: { lead: Lead }) {
  const now = useNow();
  const waited = Math.max(0, (now - Date.parse(lead.received_at)) / 1000);
  return (
    <span className="text-ink-soft text-sm">
      {lead.first_response_seconds === null
        ? lead.state === "responded"
          ? ""
          : `waits for ${span(waited)}`
        : `answered after ${span(lead.first_response_seconds)}`}
    </span>
  );
}
