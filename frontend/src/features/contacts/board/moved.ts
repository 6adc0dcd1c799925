/** The board with one card elsewhere: pure, for showing a move before the app has answered. */
import type { Board, ContactSummary } from "@/shared/api/types";

export const columnOf = (board: Board, id: string) =>
  board.columns.find(({ items }) => items.some((card) => card.id === id));

export const cardOf = (board: Board, id: string): ContactSummary | undefined =>
  board.columns.flatMap(({ items }) => items).find((card) => card.id === id);

/** The card first in the column of that stage, with both counts changed. As it was when there is nothing to move. */
export function moved(board: Board, id: string, stage: string): Board {
  const [from, card] = [columnOf(board, id), cardOf(board, id)];
  const to = board.columns.find(({ stage_id }) => stage_id === stage);
  if (!from || !card || !to || from === to) return board;
  return {
    columns: board.columns.map((column) => {
      if (column === from)
        return { ...column, total: column.total - 1, items: column.items.filter((other) => other.id !== id) };
      if (column !== to) return column;
      const there = { ...card, stage_id: to.stage_id, stage_name: to.stage_name };
      return { ...column, total: column.total + 1, items: [there, ...column.items] };
    }),
  };
}

/** The newest version of a card, in the column where it is by now. */
export const versioned = (board: Board, { id, version }: { id: string; version: number }): Board => ({
  columns: board.columns.map((column) => ({
    ...column,
    items: column.items.map((card) => (card.id === id ? { ...card, version } : card)),
  })),
});
