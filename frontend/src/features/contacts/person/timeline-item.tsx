import {
  CalendarCheck,
  CircleCheck,
  Inbox,
  type LucideIcon,
  MoreVertical,
  NotebookPen,
  Pencil,
  SquareKanban,
  Trash2,
  UserRoundCog,
} from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { useSession } from "@/shared/api/session";
import { useTenant } from "@/shared/api/tenant";
import type { Contact, TimelineEntry } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { doer, headline } from "./entry-words";
import type { Kind } from "./kinds";
import { DeleteNote, type Note } from "./note-dialogs";

const ICONS: Record<Kind, LucideIcon> = {
  note: NotebookPen,
  task_done: CircleCheck,
  activity: CalendarCheck,
  lead: Inbox,
  stage_change: SquareKanban,
  assignment: UserRoundCog,
};

interface TimelineItemProps {
  entry: TimelineEntry;
  contact: Contact;
  onEdit: (note: Note) => void;
  /** Told what is gone, so that the focus can go elsewhere. */
  onGone: (words: string) => void;
}

export function TimelineItem({ entry, contact, onEdit, onGone }: TimelineItemProps) {
  const { time_zone: zone } = useTenant();
  const Icon = ICONS[entry.kind];
  return (
    <li className="flex gap-3.5 px-4 py-4 sm:px-5">
      <Icon className="mt-0.5 size-5 shrink-0 text-ink-soft" aria-hidden />
      <div className="min-w-0 flex-1">
        <h3 tabIndex={-1} className="break-words font-medium outline-none">
          {headline(entry)}
        </h3>
        {entry.listing_address && entry.property_id && (
          <Link
            to={`/listings/${entry.property_id}`}
            className="inline-flex min-h-6 items-center break-words text-brand text-sm underline underline-offset-4"
          >
            {entry.listing_address}
          </Link>
        )}
        {entry.text && <p className="mt-1 whitespace-pre-line break-words">{entry.text}</p>}
        {entry.kind === "lead" && <Given entry={entry} contact={contact} />}
        <p className="mt-1 break-words text-ink-soft text-sm">
          {moment(entry.at, zone)} · {doer(entry)}
        </p>
      </div>
      {entry.kind === "note" && <NoteMenu entry={entry} contact={contact} onEdit={onEdit} onGone={onGone} />}
    </li>
  );
}

/** What a form said of somebody, where it differs from what we know: only told, never taken over. */
function Given({ entry, contact }: { entry: TimelineEntry; contact: Contact }) {
  const known = [contact.name, ...contact.emails, ...contact.phones.map(({ value }) => value)];
  const given = [entry.given_name, entry.given_email, entry.given_phone].filter(
    (value) => value && !known.includes(value),
  );
  if (given.length === 0) return null;
  return <p className="mt-1 break-words text-ink-soft text-sm">Given with it: {given.join(", ")}</p>;
}

/** A note is its author's to change; its author, managers and owners delete it. */
function NoteMenu({ entry, contact, onEdit, onGone }: TimelineItemProps) {
  const { user } = useSession();
  const { time_zone: zone } = useTenant();
  const [deleting, setDeleting] = useState(false);
  const isOwn = entry.actor?.id === user.id;
  const mayDelete = isOwn || user.role === "broker_owner" || user.role === "office_manager";
  if (!contact.can_edit || !mayDelete || entry.version == null) return null;
  const note = { id: entry.id, version: entry.version, text: entry.text ?? "" };
  return (
    <>
      <Menu
        trigger={
          <Button look="quiet" size="icon" aria-label={`Actions for the note of ${moment(entry.at, zone)}`}>
            <MoreVertical aria-hidden />
          </Button>
        }
      >
        {isOwn && (
          <MenuItem onSelect={() => onEdit(note)}>
            <Pencil aria-hidden />
            Edit note
          </MenuItem>
        )}
        <MenuItem onSelect={() => setDeleting(true)}>
          <Trash2 aria-hidden />
          Delete note
        </MenuItem>
      </Menu>
      {deleting && <DeleteNote contact={contact} note={note} onClose={() => setDeleting(false)} onDone={onGone} />}
    </>
  );
}
