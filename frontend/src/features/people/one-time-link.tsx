import { Check, Copy } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { SentInvitation } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { Alert } from "@/shared/ui/alert";
import { Button } from "@/shared/ui/button";
import { Field } from "@/shared/ui/field";

/** The link of an invitation that was just sent: shown now and never again. */
export function OneTimeLink({ invitation }: { invitation: SentInvitation }) {
  const { time_zone: zone } = useTenant();
  const input = useRef<HTMLInputElement>(null);
  const [copied, setCopied] = useState<"yes" | "no">();
  useEffect(() => input.current?.focus(), []);
  const copy = async () => {
    input.current?.select();
    try {
      await navigator.clipboard.writeText(invitation.link);
      setCopied("yes");
    } catch {
      setCopied("no");
    }
  };
  return (
    <div className="grid gap-4">
      <Alert look="info">A mail with the link is on its way to {invitation.email}.</Alert>
      <Field
        ref={input}
        label="One-time link"
        readOnly
        value={invitation.link}
        className="bg-sunken font-mono text-sm"
        hint={`It is shown only now. It works once, until ${moment(invitation.expires_at, zone)}.`}
        onFocus={(event) => event.currentTarget.select()}
      />
      <div className="flex flex-wrap items-center gap-3">
        <Button look="secondary" onClick={copy}>
          {copied === "yes" ? <Check aria-hidden /> : <Copy aria-hidden />}
          Copy link
        </Button>
        <p role="status" className="text-ink-soft text-sm">
          {copied === "yes" && "Copied."}
          {copied === "no" && "The browser does not allow it: the link is marked, copy it by hand."}
        </p>
      </div>
    </div>
  );
}
