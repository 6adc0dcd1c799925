/**
 * The board by keyboard, while a card has the focus: arrow keys go from card to card, with Shift left and right move
 * the card itself to the stage beside its own. The focus goes along with a card that moves.
 */
import { type KeyboardEvent, useLayoutEffect, useRef } from "react";
import type { Board } from "@/shared/api/types";
import { cardOf, columnOf } from "./moved";

export const linkId = (id: string): string => `card-${id}`;

const focus = (id: string | undefined): void => {
  const link = id && document.getElementById(linkId(id));
  if (!link) return;
  link.focus({ preventScroll: true });
  link.scrollIntoView({ block: "nearest", inline: "nearest" });
};

/** The card beside: above or below in its column, or at the same height of the next column that has any. */
function neighbour(board: Board, id: string, key: string): string | undefined {
  const column = columnOf(board, id);
  if (!column) return undefined;
  const place = column.items.findIndex((card) => card.id === id);
  if (key === "ArrowUp") return column.items[place - 1]?.id;
  if (key === "ArrowDown") return column.items[place + 1]?.id;
  const at = board.columns.indexOf(column);
  const others = key === "ArrowLeft" ? board.columns.slice(0, at).reverse() : board.columns.slice(at + 1);
  const next = others.find(({ items }) => items.length > 0);
  return next?.items[Math.min(place, next.items.length - 1)]?.id;
}

/** The stage beside the card's own. */
function stageBeside(board: Board, id: string, key: string): string | undefined {
  const at = board.columns.findIndex(({ items }) => items.some((card) => card.id === id));
  return at < 0 ? undefined : board.columns[key === "ArrowLeft" ? at - 1 : at + 1]?.stage_id;
}

interface Moving {
  move: (id: string, stage: string) => void;
  latest: () => Board | undefined;
  isMoving: boolean;
}

export function useBoardKeys(board: Board, { move, latest, isMoving }: Moving) {
  const following = useRef<string>(undefined);
  // A card in another column is another element: it gets the focus that its old one had, there and on the way back.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a board with the card elsewhere is what moves the focus.
  useLayoutEffect(() => {
    if (following.current && document.activeElement === document.body) focus(following.current);
    if (!isMoving) following.current = undefined;
  }, [board, isMoving]);
  const follow = (id: string) => {
    following.current = id;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const id = event.target instanceof HTMLElement ? event.target.dataset.card : undefined;
    if (!id || !event.key.startsWith("Arrow")) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (!event.shiftKey) return focus(neighbour(board, id, event.key));
    const isSideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    const stage = isSideways ? stageBeside(latest() ?? board, id, event.key) : undefined;
    if (!stage || !cardOf(board, id)?.can_edit) return;
    follow(id);
    move(id, stage);
  };
  return { onKeyDown, follow };
}
