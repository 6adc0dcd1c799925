/**
 * Moves cards between stages. A move is shown at once and sent after the ones before it, so that several quick ones
 * name the versions that the app made; a refused one goes back to where the card came from.
 */
import { useIsMutating, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { explain, isProblem, isStatus } from "@/shared/api/problem";
import type { Board } from "@/shared/api/types";
import { plural } from "@/shared/lib/format";
import type { ContactFilters } from "../filters";
import { boardQuery, contactQuery, moveContact } from "../queries";
import { cardOf, columnOf, moved, versioned } from "./moved";

const KEY = ["move-card"];

interface Move {
  id: string;
  name: string;
  stage: string;
}

function reason(name: string, error: Error): string {
  if (isProblem(error, "version-conflict"))
    return `${name} was not moved: ${error.body.changed_by ?? "someone else"} changed this contact meanwhile. The board shows it as it is now.`;
  if (isStatus(error, 404)) return `${name} was not moved: a colleague looks after this contact now.`;
  return `${name} was not moved. ${explain(error).message}`;
}

export function useMoves(filters: ContactFilters) {
  const client = useQueryClient();
  const { queryKey } = boardQuery(filters);
  const [said, setSaid] = useState("");
  const [refusals, setRefusals] = useState<{ id: string; words: string }[]>([]);
  const change = (how: (board: Board) => Board) =>
    client.setQueryData(queryKey, (board) => (board ? how(board) : board));
  const move = useMutation({
    mutationKey: KEY,
    scope: { id: KEY.join() },
    onMutate: async ({ id, name, stage }: Move) => {
      // Those before could be read, unless this move was begun before their answer.
      const isAlone = client.isMutating({ mutationKey: KEY }) === 1;
      setRefusals((before) => (isAlone ? [] : before.filter((other) => other.id !== id)));
      await client.cancelQueries({ queryKey });
      const board = client.getQueryData(queryKey);
      const from = board && columnOf(board, id)?.stage_id;
      change((now) => moved(now, id, stage));
      const to = client.getQueryData(queryKey)?.columns.find(({ stage_id }) => stage_id === stage);
      if (to) setSaid(`${name} moved to ${to.stage_name}, ${plural(to.total, "contact", "contacts")}.`);
      return { from };
    },
    mutationFn: async ({ id, stage }: Move) => {
      const board = client.getQueryData(queryKey);
      const card = board && cardOf(board, id);
      return moveContact({ id, version: card?.version ?? 0 }, stage);
    },
    onSuccess: (saved) => {
      client.setQueryData(contactQuery(saved.id).queryKey, saved);
      change((board) => versioned(board, saved));
    },
    onError: (error, { id, name }, context) => {
      setSaid("");
      setRefusals((before) => [...before.filter((other) => other.id !== id), { id, words: reason(name, error) }]);
      const from = context?.from;
      if (from) change((board) => moved(board, id, from));
    },
    onSettled: (_saved, _error, { id }) => {
      // The last of several: before, the server's board would take the others back.
      if (client.isMutating({ mutationKey: KEY }) > 1) return;
      void client.invalidateQueries({ queryKey: ["contacts", "timeline", id] });
      void client.invalidateQueries({ queryKey: ["contacts", "list"] });
      void client.invalidateQueries({ queryKey: ["contacts", "board"] });
    },
  });
  return {
    move: move.mutate,
    /** The board with every move so far; keys may be quicker than the page is drawn. */
    latest: () => client.getQueryData(queryKey),
    /** For a live region: what was moved where. */
    said,
    /** Of each card that stayed where it was, why. */
    refusals,
    isMoving: useIsMutating({ mutationKey: KEY }) > 0,
  };
}
