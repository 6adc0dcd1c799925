import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useSearchParams } from "react-router";
import { api, body } from "@/shared/api/client";
import { fieldErrors, isPlaced } from "@/shared/api/field-errors";
import { ApiProblem, explain, isStatus } from "@/shared/api/problem";
import { useTenant } from "@/shared/api/tenant";
import type { InquiryInput } from "@/shared/api/types";
import { clock, span } from "@/shared/lib/format";
import { useFormFocus } from "@/shared/lib/use-form-focus";
import { Alert } from "@/shared/ui/alert";
import { ASKER_FIELDS, type Asker, AskerFields, askerBody } from "@/shared/ui/asker-fields";
import { Button } from "@/shared/ui/button";
import { utmOf } from "./utm";

const send = (inquiry: InquiryInput) => body(api.POST("/api/v1/inquiries", { body: inquiry }));

const FIELDS = [...ASKER_FIELDS, "consent"] as const;
type Errors = Partial<Record<(typeof FIELDS)[number], string | undefined>>;

/** What is missing, told before anything is sent. */
function missing(asker: Asker, consent: boolean): Errors {
  return {
    ...(!asker.name.trim() && { name: "Tell us your name." }),
    ...(!asker.email.trim() && !asker.phone.trim() && { email: "Give an email address or a phone number." }),
    ...(!consent && { consent: "We need this to answer you." }),
  };
}

interface InquiryFormProps {
  listingId: string | undefined;
  asker: Asker;
  onType: (change: Partial<Asker>) => void;
  onSent: () => void;
}

export function InquiryForm({ listingId, asker, onType, onSent }: InquiryFormProps) {
  const [search] = useSearchParams();
  const [consent, setConsent] = useState(false);
  const [website, setWebsite] = useState("");
  const [lacking, setLacking] = useState<Errors>({});
  const inquire = useMutation({
    mutationFn: () =>
      send({ ...askerBody(asker), consent, website, property_id: listingId ?? null, utm: utmOf(search) }),
    onSuccess: onSent,
  });
  const form = useFormFocus(isPlaced(lacking) ? lacking : inquire.error);
  const errors = { ...fieldErrors(inquire.error, FIELDS), ...lacking };
  return (
    <form
      ref={form}
      noValidate
      className="grid gap-4.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (inquire.isPending) return;
        const found = missing(asker, consent);
        setLacking(found);
        inquire.reset();
        if (!isPlaced(found)) inquire.mutate();
      }}
    >
      {inquire.isError && !isPlaced(lacking) && <Refusal error={inquire.error} isPlaced={isPlaced(errors)} />}
      {isPlaced(lacking) && <Alert look="bad">Please complete what is marked below.</Alert>}
      <AskerFields value={asker} errors={errors} isOwn onChange={onType} />
      <Consent checked={consent} error={errors.consent} onChange={setConsent} />
      <Trap value={website} onChange={setWebsite} />
      <Button type="submit" size="large" busy={inquire.isPending}>
        Send
      </Button>
    </form>
  );
}

function Refusal({ error, isPlaced: marked }: { error: Error; isPlaced: boolean }) {
  const { time_zone: zone } = useTenant();
  const { search } = useLocation();
  if (isStatus(error, 429)) {
    const wait = error.retryAfter;
    const when = wait
      ? ` at ${clock(new Date(Date.now() + wait * 1000), zone)} (in ${span(Math.max(60, wait))})`
      : " later";
    return <Alert look="bad">Too many messages came from here. Try again{when}; what you typed stays.</Alert>;
  }
  // Also an address that cannot be a listing's.
  if (error instanceof ApiProblem && error.fieldError("property_id"))
    return (
      <Alert look="bad">
        This listing is no longer here.{" "}
        <Link to={{ pathname: "/inquire", search }} className="font-medium underline underline-offset-4">
          Ask us something else
        </Link>
      </Alert>
    );
  return <Alert look="bad">{marked ? "Please correct what is marked below." : explain(error).message}</Alert>;
}

interface ConsentProps {
  checked: boolean;
  error: string | undefined;
  onChange: (checked: boolean) => void;
}

const Consent = ({ checked, error, onChange }: ConsentProps) => {
  const { display_name: name } = useTenant();
  return (
    <div>
      <label className="flex min-h-9 items-start gap-2.5 text-sm">
        <input
          type="checkbox"
          name="consent"
          required
          className="mt-0.5 size-4.5 shrink-0 accent-brand"
          aria-invalid={error ? true : undefined}
          aria-describedby={error && "consent-error"}
          checked={checked}
          onChange={(event) => onChange(event.target.checked)}
        />
        <span className="min-w-0 break-words">{name} may contact me about this.</span>
      </label>
      {error && (
        <p id="consent-error" className="text-bad text-sm">
          {error}
        </p>
      )}
    </div>
  );
};

/** People neither see nor reach it and leave it empty; programs that fill every field are known by it. */
const Trap = ({ value, onChange }: { value: string; onChange: (value: string) => void }) => (
  <div aria-hidden="true" className="sr-only">
    <label>
      Website
      <input
        name="website"
        tabIndex={-1}
        autoComplete="off"
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  </div>
);
