import { MoveHorizontal } from "lucide-react";
import { Link } from "react-router";
import { useTenant } from "@/shared/api/tenant";
import type { ContactSummary } from "@/shared/api/types";
import { moment, plural } from "@/shared/lib/format";
import { nameOf } from "@/shared/lib/name-of";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import type { StageChoice } from "./board-column";
import { linkId } from "./use-board-keys";

/** What a dragged card is known by, so that nothing else is taken for one. */
export const DRAGGED = "application/x-rooftree-contact";

interface BoardCardProps {
  card: ContactSummary;
  stages: StageChoice[];
  boardSearch: string;
  helpId: string;
  onMove: (stage: string) => void;
}

/** One contact on the board. Whom the reader may not change stays where they are. */
export function BoardCard({ card, stages, boardSearch, helpId, onMove }: BoardCardProps) {
  const { time_zone: zone } = useTenant();
  return (
    <li
      draggable={card.can_edit}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAGGED, card.id);
        event.dataTransfer.effectAllowed = "move";
      }}
      className="card flex items-start gap-1 py-2 pr-1 pl-3"
    >
      <div className="min-w-0 flex-1 text-sm">
        <Link
          id={linkId(card.id)}
          data-card={card.id}
          draggable={false}
          to={`/contacts/${card.id}`}
          state={{ board: boardSearch }}
          aria-describedby={helpId}
          className="inline-flex min-h-6 items-center break-words font-medium text-base hover:underline"
        >
          {card.name}
        </Link>
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          {card.assigned_to ? (
            <span className="break-words text-ink-soft">{nameOf(card.assigned_to)}</span>
          ) : (
            <Badge tone="info">Nobody yet</Badge>
          )}
          {card.open_leads > 0 && <Badge tone="warn">{plural(card.open_leads, "open lead", "open leads")}</Badge>}
        </p>
        <p className="text-ink-soft">{moment(card.last_activity_at, zone)}</p>
      </div>
      {card.can_edit && (
        <Menu
          trigger={
            <Button look="quiet" size="icon" className="size-9" aria-label={`Move ${card.name} to…`}>
              <MoveHorizontal aria-hidden />
            </Button>
          }
        >
          {stages
            .filter(({ id }) => id !== card.stage_id)
            .map(({ id, name }) => (
              <MenuItem key={id} onSelect={() => onMove(id)}>
                {name}
              </MenuItem>
            ))}
        </Menu>
      )}
    </li>
  );
}
