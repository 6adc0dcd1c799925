import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, Plus } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { explain } from "@/shared/api/problem";
import { useCan } from "@/shared/api/session";
import type { Stage } from "@/shared/api/types";
import { useTold } from "@/shared/lib/use-told";
import { Alert } from "@/shared/ui/alert";
import { Button, buttonStyle } from "@/shared/ui/button";
import { Failure } from "@/shared/ui/failure";
import { NotAllowed } from "@/shared/ui/not-allowed";
import { PageTitle } from "@/shared/ui/page";
import { Skeleton } from "@/shared/ui/skeleton";
import { stagesQuery } from "../queries";
import { StageNameDialog } from "./stage-name-dialog";
import { orderStages } from "./stage-queries";
import { StageRow } from "./stage-row";

export function StagesPage() {
  if (useCan("stages.manage")) return <Stages />;
  return (
    <NotAllowed title="Stages">Owners and office managers change the stages. Ask one of them for a change.</NotAllowed>
  );
}

const KEY = ["order-stages"];

interface Step {
  stage: Stage;
  by: number;
}

/** Shown in the new order at once; taken back when the app refuses. */
function useOrder(tell: (words: string) => void) {
  const client = useQueryClient();
  const { queryKey } = stagesQuery;
  const known = () => client.getQueryData(queryKey);
  const now = () => known()?.items ?? [];
  return useMutation({
    mutationKey: KEY,
    scope: { id: KEY.join() },
    onMutate: async ({ stage, by }: Step) => {
      await client.cancelQueries({ queryKey });
      // From the order as it is, not as it was drawn last: keys may be quicker than the page.
      const others = now().filter(({ id }) => id !== stage.id);
      const place = now().findIndex(({ id }) => id === stage.id) + by;
      if (place < 0 || place > others.length) return;
      const items = others.toSpliced(place, 0, stage);
      client.setQueryData(queryKey, (list) => list && { ...list, items });
      tell(`${stage.name} is number ${place + 1} of ${others.length + 1}.`);
    },
    mutationFn: () =>
      orderStages(
        now().map(({ id }) => id),
        known()?.version ?? 0,
      ),
    // The next of several changes what this one made.
    onSuccess: ({ version }) => client.setQueryData(queryKey, (list) => list && { ...list, version }),
    onSettled: async () => {
      // The last of several: before, the server's order would take the others back.
      if (client.isMutating({ mutationKey: KEY }) > 1) return;
      void client.invalidateQueries({ queryKey: ["contacts", "board"] });
      await client.invalidateQueries({ queryKey });
    },
  });
}

function Stages() {
  const query = useQuery(stagesQuery);
  const [creating, setCreating] = useState(false);
  const { region, words, tell, tellAndFocus } = useTold();
  const order = useOrder(tell);
  const stages = query.data ?? [];
  return (
    <div className="mx-auto max-w-2xl">
      <Link
        to="/contacts/board"
        data-chrome
        className={buttonStyle({ look: "quiet", size: "small", className: "-ml-2.5 mb-3" })}
      >
        <ArrowLeft aria-hidden />
        Back to the board
      </Link>
      <div className="mb-1 flex flex-wrap items-center justify-between gap-3">
        <PageTitle>Stages</PageTitle>
        <Button aria-haspopup="dialog" onClick={() => setCreating(true)}>
          <Plus aria-hidden />
          Add stage
        </Button>
      </div>
      <p className="mb-3 text-ink-soft">
        The way of a contact, in this order; new ones begin in the first. Up and down arrow keys move a stage by its
        handle.
      </p>
      <p ref={region} role="status" tabIndex={-1} className="mb-3 text-ink-soft text-sm outline-none empty:hidden">
        {words}
      </p>
      {order.isError && (
        <div className="mb-4">
          <Alert look="bad">The order is as it was. {explain(order.error).message}</Alert>
        </div>
      )}
      {query.isPending ? (
        <Skeleton className="h-96 rounded-xl" />
      ) : !query.data ? (
        <Failure title="Stages could not be loaded" error={query.error} onRetry={() => query.refetch()} />
      ) : (
        <ol aria-label="Stages" className="card divide-y divide-line">
          {stages.map((stage) => (
            <StageRow
              key={stage.id}
              stage={stage}
              stages={stages}
              onMove={(by) => order.mutate({ stage, by })}
              onDone={tell}
              onGone={tellAndFocus}
            />
          ))}
        </ol>
      )}
      {creating && <StageNameDialog onClose={() => setCreating(false)} onDone={tell} />}
    </div>
  );
}
