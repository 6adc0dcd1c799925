import { Check, Crosshair, Undo2, X } from "lucide-react";
import { plural } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import type { useDrawing } from "./use-drawing";

/** Says what to do while an area is being marked, with a button for each step. */
export function DrawingBar({ tool }: { tool: ReturnType<typeof useDrawing> }) {
  const { drawing } = tool;
  if (!drawing) return null;
  const isPolygon = drawing.kind === "polygon";
  const corners = isPolygon ? drawing.corners.length : 0;
  return (
    <>
      <Crosshair
        className="-translate-1/2 pointer-events-none absolute top-[calc(50%+0.5rem)] left-1/2 z-10 size-7 text-brand"
        strokeWidth={1.5}
        aria-hidden
      />
      <div className="absolute inset-x-3 top-16 z-10 grid gap-2 rounded-xl border border-line bg-raised p-3 shadow-float">
        <p className="text-sm">
          {isPolygon
            ? "Press the corners of the area, one after another. With keys: move the map, Space marks its middle, Enter ends."
            : "Press the middle of the circle. With keys: move the map, Space takes its middle."}
        </p>
        <div className="flex flex-wrap items-center gap-2">
          <Button look="secondary" size="small" onClick={tool.markCenter}>
            <Crosshair aria-hidden />
            {isPolygon ? "Corner here" : "Middle here"}
          </Button>
          {isPolygon && (
            <>
              <Button look="secondary" size="small" disabled={corners === 0} onClick={tool.undo}>
                <Undo2 aria-hidden />
                Undo
              </Button>
              <Button size="small" disabled={corners < 3} onClick={tool.finish}>
                <Check aria-hidden />
                Done
              </Button>
            </>
          )}
          <Button look="quiet" size="small" onClick={tool.cancel}>
            <X aria-hidden />
            Cancel
          </Button>
          {isPolygon && (
            <span role="status" className="ml-auto text-ink-soft text-sm tabular-nums">
              {plural(corners, "corner", "corners")}
            </span>
          )}
        </div>
      </div>
    </>
  );
}
