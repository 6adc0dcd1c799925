import { useState } from "react";
import { useParams } from "react-router";
import { NO_ASKER } from "@/shared/ui/asker-fields";
import { Button } from "@/shared/ui/button";
import { Entrance } from "@/shared/ui/entrance";
import { InquiryForm } from "./inquiry-form";

/**
 * Where visitors ask about a listing, or in general, without an account. It says the same to everybody: whether we know
 * them, or whether anything was kept, is told to nobody.
 */
export function InquiryPage() {
  const { listingId } = useParams();
  const [isSent, setSent] = useState(false);
  const [asker, setAsker] = useState(NO_ASKER);
  // Another listing's form is another form: what was typed stays, an agreement is to that listing.
  return isSent ? (
    <Entrance key="sent" title="Thank you">
      <p role="status">Your message has been received. Somebody will be in touch.</p>
      <Button look="secondary" onClick={() => setSent(false)}>
        Write another message
      </Button>
    </Entrance>
  ) : (
    <Entrance
      key={listingId ?? "general"}
      title={listingId ? "Ask about this listing" : "Ask us"}
      lead="We answer by email or phone."
    >
      <InquiryForm
        listingId={listingId}
        asker={asker}
        onType={(change) => setAsker((now) => ({ ...now, ...change }))}
        onSent={() => {
          setAsker(NO_ASKER);
          setSent(true);
        }}
      />
    </Entrance>
  );
}
