import { useQuery } from "@tanstack/react-query";
import { Settings2 } from "lucide-react";
import { Link } from "react-router";
import { useCan } from "@/shared/api/session";
import type { Board } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import { followed } from "@/shared/lib/use-live";
import { Alert } from "@/shared/ui/alert";
import { buttonStyle } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { ContactsBar } from "../contacts-bar";
import { ContactsTabs, NOT_FOR_YOU } from "../contacts-tabs";
import { NO_FILTERS } from "../filters";
import { boardQuery } from "../queries";
import { useContactFilters } from "../use-contact-filters";
import { BoardColumn } from "./board-column";
import { cardOf } from "./moved";
import { useBoardKeys } from "./use-board-keys";
import { useMoves } from "./use-moves";

const HELP_ID = "board-help";

export function BoardPage() {
  if (useCan("leads.work")) return <BoardView />;
  return <NotAllowed title="Board">{NOT_FOR_YOU}</NotAllowed>;
}

function BoardView() {
  const { filters: addressed, change } = useContactFilters();
  // Stages are columns and cards have an order of their own here.
  const filters = { ...addressed, stage: "", sort: NO_FILTERS.sort };
  const { move, latest, said, refusals, isMoving } = useMoves(filters);
  const query = useQuery({ ...boardQuery(filters), ...(!isMoving && followed) });
  const columns = query.data?.columns ?? [];
  const total = columns.reduce((sum, column) => sum + column.total, 0);
  const sources = columns.flatMap(({ items }) => items.map(({ source }) => source));
  const mayChangeStages = useCan("stages.manage");
  return (
    <div data-wide>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <div className="flex flex-wrap items-baseline gap-x-3">
          <PageTitle>Board</PageTitle>
          <p className="text-ink-soft tabular-nums">{query.data && plural(total, "contact", "contacts")}</p>
        </div>
        {mayChangeStages && (
          <Link id="to-stages" to="/settings/stages" className={buttonStyle({ look: "secondary", size: "small" })}>
            <Settings2 aria-hidden />
            Stages
          </Link>
        )}
      </div>
      <div className="mb-5 flex">
        <ContactsTabs />
      </div>
      <ContactsBar filters={filters} onChange={change} sources={sources} withStage={false} />
      <p id={HELP_ID} className="mb-3 text-ink-soft text-sm">
        Arrow keys go from card to card. Shift with the left or right arrow moves a card; so do its menu and dragging.
      </p>
      <p role="status" className="sr-only">
        {said}
      </p>
      <div className="mb-4 grid gap-2 empty:hidden">
        {refusals.map(({ id, words }) => (
          <Alert key={id} look="bad">
            {words}
          </Alert>
        ))}
      </div>
      {query.isPending ? (
        <Skeleton className="h-96 rounded-xl" />
      ) : query.data ? (
        <Columns board={query.data} search={addressed} onMove={move} latest={latest} isMoving={isMoving} />
      ) : (
        <Failure
          title="The board could not be loaded"
          error={query.error}
          onRetry={() => query.refetch()}
          retrying={query.isRefetching}
        />
      )}
    </div>
  );
}

interface ColumnsProps {
  board: Board;
  search: ReturnType<typeof useContactFilters>["filters"];
  onMove: ReturnType<typeof useMoves>["move"];
  latest: ReturnType<typeof useMoves>["latest"];
  isMoving: boolean;
}

function Columns({ board, search, onMove, latest, isMoving }: ColumnsProps) {
  const start = (id: string, stage: string) => {
    const name = cardOf(board, id)?.name;
    if (name !== undefined) onMove({ id, name, stage });
  };
  const { onKeyDown, follow } = useBoardKeys(board, { move: start, latest, isMoving });
  const stages = board.columns.map(({ stage_id, stage_name }) => ({ id: stage_id, name: stage_name }));
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the links inside, gathered in one place.
    <div
      className="-mx-4 sm:-mx-6 relative flex snap-x scroll-px-4 items-start gap-4 overflow-x-auto px-4 pt-1 pb-4 sm:scroll-px-6 sm:px-6"
      onKeyDown={onKeyDown}
    >
      {board.columns.map((column) => (
        <BoardColumn
          key={column.stage_id}
          column={column}
          stages={stages}
          filters={search}
          helpId={HELP_ID}
          onMove={(id, stage) => {
            follow(id);
            start(id, stage);
          }}
        />
      ))}
    </div>
  );
}
