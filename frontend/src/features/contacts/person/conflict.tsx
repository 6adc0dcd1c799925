import type { Contact, ContactChange } from "@/shared/api/types";
import { Alert } from "@/shared/ui/alert";
import { differing, TITLES, typedOf } from "./edit";

interface ConflictProps {
  /** The version that the edit began with. */
  before: Contact;
  now: Contact;
  mine: ContactChange;
  /** Who was quicker, as far as the app tells. */
  who: string | null | undefined;
}

/** Someone else saved first: what they changed, and what saving now would do to it. */
export function Conflict({ before, now, mine, who }: ConflictProps) {
  const shown = typedOf(now);
  return (
    <Alert look="bad">
      <p className="font-medium">
        {who ?? "Someone else"} changed this contact while you were editing. Nothing of yours is lost.
      </p>
      <ul className="mt-1.5 list-disc pl-4.5 empty:hidden">
        {differing(before, now).map((field) => (
          <li key={field}>
            {TITLES[field]}: now “{shown[field].replaceAll("\n", ", ") || "none"}”
            {field in mine ? "; saving puts your value in its place." : "."}
          </li>
        ))}
      </ul>
      <p className="mt-1.5">Look through the values below and save again.</p>
    </Alert>
  );
}
