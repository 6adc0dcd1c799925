import { useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import type { Contact } from "@/shared/api/types";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Menu, MenuRadioGroup, MenuRadioItem } from "@/shared/ui/menu";
import { stagesQuery } from "../queries";

interface StageMenuProps {
  contact: Contact;
  busy: boolean;
  onMove: (stage: string) => void;
}

/** The stage, and the menu that moves the contact to another; only told to those who may not. */
export function StageMenu({ contact, busy, onMove }: StageMenuProps) {
  const stages = useQuery(stagesQuery).data ?? [];
  if (!contact.can_edit)
    return (
      <p>
        <span className="sr-only">Stage: </span>
        <Badge tone="plain">{contact.stage_name}</Badge>
      </p>
    );
  return (
    <Menu
      align="start"
      trigger={
        <Button look="secondary" busy={busy} className="max-w-full whitespace-normal">
          <span className="min-w-0 truncate">Stage: {contact.stage_name}</span>
          <ChevronDown aria-hidden />
        </Button>
      }
    >
      <MenuRadioGroup
        value={contact.stage_id}
        onValueChange={(stage) => {
          if (stage !== contact.stage_id && !busy) onMove(stage);
        }}
      >
        {stages.map(({ id, name }) => (
          <MenuRadioItem key={id} value={id}>
            {name}
          </MenuRadioItem>
        ))}
      </MenuRadioGroup>
    </Menu>
  );
}
