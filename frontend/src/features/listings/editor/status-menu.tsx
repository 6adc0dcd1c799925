import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { useNavigate } from "react-router";
import type { StandardStatus } from "@/shared/api/types";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { StatusDialog } from "./status-dialog";
import { moveOf } from "./status-moves";
import { useDraftState } from "./use-draft";

/** A draft's way onto the market is one button; every other move is in the menu beside it. */
export function StatusMenu() {
  const { base } = useDraftState();
  const navigate = useNavigate();
  const [to, setTo] = useState<StandardStatus>();
  const { standard_status: from, status_moves: moves } = base;
  const isDraft = from === "Incomplete" && moves.includes("Active");
  const others = isDraft ? moves.filter((move) => move !== "Active") : moves;
  const close = (moved: boolean) => {
    setTo(undefined);
    if (moved && to === "Delete") void navigate("/listings/mine");
  };
  return (
    <>
      {others.length > 0 && (
        <Menu
          trigger={
            <Button look="secondary" size="small">
              <span>
                {isDraft ? "Other " : "Change status"}
                {isDraft && <span className="sr-only">changes of status</span>}
              </span>
              <ChevronDown aria-hidden />
            </Button>
          }
        >
          {others.map((move) => (
            <MenuItem key={move} onSelect={() => setTimeout(() => setTo(move))}>
              {moveOf(from, move).words}
            </MenuItem>
          ))}
        </Menu>
      )}
      {isDraft && (
        <Button size="small" onClick={() => setTo("Active")}>
          Publish
        </Button>
      )}
      {to && <StatusDialog to={to} onClose={close} />}
    </>
  );
}
