import { type DragEvent, useState } from "react";
import { Link } from "react-router";
import type { Board } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";
import { type ContactFilters, toSearch } from "../filters";
import { BoardCard, DRAGGED } from "./board-card";

export interface StageChoice {
  id: string;
  name: string;
}

interface BoardColumnProps {
  column: Board["columns"][number];
  stages: StageChoice[];
  filters: ContactFilters;
  helpId: string;
  onMove: (id: string, stage: string) => void;
}

/** Cards are let go over it. */
function useDrop(stage: string, onMove: (id: string, stage: string) => void) {
  const [isOver, setOver] = useState(false);
  const isCard = ({ dataTransfer }: DragEvent) => dataTransfer.types.includes(DRAGGED);
  return {
    isOver,
    handlers: {
      onDragOver(event: DragEvent): void {
        if (!isCard(event)) return;
        event.preventDefault();
        setOver(true);
      },
      onDragLeave: () => setOver(false),
      onDrop(event: DragEvent): void {
        setOver(false);
        const id = event.dataTransfer.getData(DRAGGED);
        if (!id) return;
        event.preventDefault();
        onMove(id, stage);
      },
    },
  };
}

/** One stage: how many are in it, and the cards that were active last. */
export function BoardColumn({ column, stages, filters, helpId, onMove }: BoardColumnProps) {
  const { stage_id: stage, stage_name: name, total, items } = column;
  const { isOver, handlers } = useDrop(stage, onMove);
  const search = toSearch({ ...filters, stage });
  const titleId = `stage-${stage}`;
  return (
    <section
      aria-labelledby={titleId}
      className={cn(
        "w-72 max-w-[80vw] shrink-0 snap-start rounded-xl bg-sunken p-2",
        isOver && "outline-2 outline-brand outline-dashed",
      )}
      {...handlers}
    >
      <h2 id={titleId} className="flex min-h-9 items-center gap-2 px-1.5 pb-1 font-semibold text-sm">
        <Link to={`/contacts?${search}`} className="min-w-0 break-words py-1 hover:underline">
          {name}
        </Link>{" "}
        <span className="font-normal text-ink-soft tabular-nums">
          {count(total)}
          <span className="sr-only"> {total === 1 ? "contact" : "contacts"}</span>
        </span>
      </h2>
      {items.length === 0 ? (
        <p className="px-1.5 py-3 text-ink-soft text-sm">Nobody</p>
      ) : (
        <ul className="grid gap-2">
          {items.map((card) => (
            <BoardCard
              key={card.id}
              card={card}
              stages={stages}
              boardSearch={toSearch(filters)}
              helpId={helpId}
              onMove={(to) => onMove(card.id, to)}
            />
          ))}
        </ul>
      )}
      {total > items.length && (
        <Link
          to={`/contacts?${search}`}
          className="mt-1 flex min-h-9 items-center px-1.5 text-brand text-sm underline underline-offset-4"
        >
          Show all {count(total)}
          <span className="sr-only"> in {name}</span>
        </Link>
      )}
    </section>
  );
}
