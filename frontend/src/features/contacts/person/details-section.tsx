import { Mail, Pencil, Phone } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { useTenant } from "@/shared/api/tenant";
import type { Contact } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { DetailsForm } from "./details-form";

const linkStyle = "inline-flex min-h-6 items-center gap-2 break-all text-brand underline underline-offset-4";

/** How to reach somebody and what else is known; the form takes its place while it is edited. */
export function DetailsSection({ contact }: { contact: Contact }) {
  const [isEditing, setEditing] = useState(false);
  const [saved, setSaved] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  // The form that had the focus is gone.
  useEffect(() => {
    if (wasEditing.current && !isEditing) button.current?.focus();
    wasEditing.current = isEditing;
  }, [isEditing]);
  const close = (isSaved: boolean) => {
    setSaved(isSaved);
    setEditing(false);
  };
  return (
    <section aria-labelledby="details" className="card px-5 py-5">
      <div className="mb-3 flex items-center justify-between gap-3">
        <h2 id="details" className="font-semibold text-lg">
          Details
        </h2>
        {contact.can_edit && !isEditing && (
          <Button ref={button} look="secondary" size="small" onClick={() => setEditing(true)}>
            <Pencil aria-hidden />
            Edit<span className="sr-only"> details</span>
          </Button>
        )}
      </div>
      {isEditing ? (
        <DetailsForm contact={contact} onSaved={() => close(true)} onCancel={() => close(false)} />
      ) : (
        <Facts contact={contact} />
      )}
      <p role="status" className="mt-3 text-ink-soft text-sm empty:hidden">
        {saved && !isEditing && "Saved."}
      </p>
    </section>
  );
}

function Facts({ contact }: { contact: Contact }) {
  const { time_zone: zone } = useTenant();
  return (
    <dl className="grid gap-3 text-sm">
      <Fact name="Email" isEmpty={contact.emails.length === 0}>
        {contact.emails.map((email) => (
          <a key={email} href={`mailto:${email}`} className={linkStyle}>
            <Mail className="size-4 shrink-0" aria-hidden />
            {email}
          </a>
        ))}
      </Fact>
      <Fact name="Phone" isEmpty={contact.phones.length === 0}>
        {contact.phones.map(({ value, e164 }) =>
          e164 ? (
            <a key={value} href={`tel:${e164}`} className={linkStyle}>
              <Phone className="size-4 shrink-0" aria-hidden />
              {value}
            </a>
          ) : (
            <span key={value}>{value}</span>
          ),
        )}
      </Fact>
      <Fact name="Tags" isEmpty={contact.tags.length === 0}>
        {contact.tags.map((tag) => (
          <Link key={tag} to={`/contacts?${new URLSearchParams({ tag })}`} className={linkStyle}>
            {tag}
          </Link>
        ))}
      </Fact>
      <Fact name="Source">{contact.source}</Fact>
      <Fact name="Known since">{moment(contact.created_at, zone)}</Fact>
    </dl>
  );
}

const Fact = ({ name, isEmpty = false, children }: { name: string; isEmpty?: boolean; children: ReactNode }) => (
  <div>
    <dt className="text-ink-soft">{name}</dt>
    <dd className="flex min-w-0 flex-wrap gap-x-4 gap-y-1 break-words">{isEmpty ? "None" : children}</dd>
  </div>
);
