import { ArrowDown, ArrowUp, GripVertical, Pencil, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useCan } from "@/shared/api/session";
import type { Stage } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { RemoveStage } from "./remove-stage";
import { StageNameDialog } from "./stage-name-dialog";

const KEYS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1 };

interface StageRowProps {
  stage: Stage;
  stages: Stage[];
  onMove: (step: number) => void;
  onDone: (words: string) => void;
  /** Told what is gone, so that the focus can go elsewhere. */
  onGone: (words: string) => void;
}

/** One stage: its place, which keys and buttons change, its name, and the way out. */
export function StageRow({ stage, stages, onMove, onDone, onGone }: StageRowProps) {
  const [open, setOpen] = useState<"rename" | "remove">();
  const place = stages.indexOf(stage);
  const close = () => setOpen(undefined);
  return (
    <li className="flex flex-wrap items-center gap-x-2 gap-y-1 px-3 py-2">
      <button
        type="button"
        aria-label={`Move ${stage.name}: up and down arrow keys`}
        className="grid size-9 place-items-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink"
        onKeyDown={(event) => {
          const step = KEYS[event.key];
          if (step === undefined) return;
          event.preventDefault();
          onMove(step);
        }}
      >
        <GripVertical className="size-4" aria-hidden />
      </button>
      <div className="min-w-0 flex-1 basis-32">
        <p className="break-words font-medium">{stage.name}</p>
        <p className="text-ink-soft text-sm">{plural(stage.people, "contact", "contacts")}</p>
      </div>
      <div className="ml-auto flex gap-1">
        <Act label={`Move ${stage.name} up`} isOff={place === 0} onClick={() => onMove(-1)}>
          <ArrowUp aria-hidden />
        </Act>
        <Act label={`Move ${stage.name} down`} isOff={place === stages.length - 1} onClick={() => onMove(1)}>
          <ArrowDown aria-hidden />
        </Act>
        <Act label={`Rename ${stage.name}`} onClick={() => setOpen("rename")}>
          <Pencil aria-hidden />
        </Act>
        {useCan("stages.delete") && (
          <Act label={`Remove ${stage.name}`} isOff={stages.length === 1} onClick={() => setOpen("remove")}>
            <Trash2 aria-hidden />
          </Act>
        )}
      </div>
      {open === "rename" && <StageNameDialog stage={stage} onClose={close} onDone={onDone} />}
      {open === "remove" && <RemoveStage stage={stage} stages={stages} onClose={close} onDone={onGone} />}
    </li>
  );
}

interface ActProps {
  label: string;
  isOff?: boolean;
  onClick: () => void;
  children: ReactNode;
}

/** Stays in the order of focus where it cannot act, so that the focus is not lost at an end of the list. */
const Act = ({ label, isOff = false, onClick, children }: ActProps) => (
  <Button
    look="quiet"
    size="icon"
    className="size-9"
    aria-label={label}
    aria-disabled={isOff || undefined}
    onClick={isOff ? undefined : onClick}
  >
    {children}
  </Button>
);
