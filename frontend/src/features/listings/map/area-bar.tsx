import { CircleDot, Lasso, ListOrdered, X } from "lucide-react";
import { useState } from "react";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem } from "@/shared/ui/menu";
import { Select } from "@/shared/ui/select";
import { type Area, metres, miles, RADII } from "../area";
import type { ChangeFilters } from "../use-filters";
import { CoordinatesDialog } from "./coordinates-dialog";
import type { Drawing } from "./use-drawing";

interface AreaBarProps {
  area: Area | undefined;
  onDraw: (kind: Drawing["kind"]) => void;
  onChange: ChangeFilters;
}

/** Binds the search to a piece of the map, changes it and lets go of it. */
export function AreaBar({ area, onDraw, onChange }: AreaBarProps) {
  const [editing, setEditing] = useState(false);
  const set = (next: Area) => onChange((now) => ({ ...now, area: next }));
  return (
    <div className="flex min-w-0 gap-2 @max-sm:gap-1">
      <Menu
        align="start"
        trigger={
          <Button look="secondary" size="small">
            <Lasso aria-hidden />
            <span className={area && "@max-sm:sr-only"}>
              {area && area.kind !== "box" ? "Change area" : "Search an area"}
            </span>
          </Button>
        }
      >
        <MenuItem onSelect={() => onDraw("polygon")}>
          <Lasso aria-hidden />
          Draw on the map
        </MenuItem>
        <MenuItem onSelect={() => onDraw("circle")}>
          <CircleDot aria-hidden />
          Circle around a point
        </MenuItem>
        <MenuItem onSelect={() => setEditing(true)}>
          <ListOrdered aria-hidden />
          Enter coordinates
        </MenuItem>
      </Menu>
      {area?.kind === "circle" && (
        <Select
          aria-label="Radius"
          className="w-24 @max-sm:w-20 [&_select]:h-8 [&_select]:text-sm [&_svg]:top-2"
          value={String(area.radius)}
          onChange={(event) => set({ ...area, radius: Number(event.target.value) })}
        >
          {radii(area.radius).map((radius) => (
            <option key={radius} value={radius}>
              {miles(radius)} mi
            </option>
          ))}
        </Select>
      )}
      {area && (
        <Button look="secondary" size="small" onClick={() => onChange(({ area: _, ...rest }) => rest)}>
          <X aria-hidden />
          <span className="@max-sm:sr-only">Clear area</span>
        </Button>
      )}
      <CoordinatesDialog
        open={editing}
        area={area}
        onClose={() => setEditing(false)}
        onApply={(next) => {
          setEditing(false);
          set(next);
        }}
      />
    </div>
  );
}

/** The offered radii and the one in force, which a link may have brought. */
const radii = (now: number): number[] => [...new Set([...RADII.map(metres), now])].toSorted((a, b) => a - b);
