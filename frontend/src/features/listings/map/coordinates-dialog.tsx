import { useId, useState } from "react";
import { Button } from "@/shared/ui/button";
import { Dialog } from "@/shared/ui/dialog";
import { type Area, MAX_CORNERS, outline, type Point, parsePoint } from "../area";

interface CoordinatesDialogProps {
  open: boolean;
  area: Area | undefined;
  onClose: () => void;
  onApply: (area: Area) => void;
}

const write = (points: Point[]): string =>
  points.map(({ latitude, longitude }) => `${latitude.toFixed(5)}, ${longitude.toFixed(5)}`).join("\n");

/** The corners that a text means, or what is wrong with it. */
export function readCorners(text: string): Point[] | string {
  const lines = text.split("\n").map((line) => line.trim());
  const filled = lines.filter(Boolean);
  const points = filled.map(parsePoint);
  const bad = points.indexOf(undefined);
  if (bad >= 0) return `Line ${lines.indexOf(filled[bad] ?? "") + 1} is no latitude and longitude: “${filled[bad]}”.`;
  if (points.length < 3) return "An area has three corners or more.";
  if (points.length > MAX_CORNERS) return `An area has ${MAX_CORNERS} corners at most.`;
  return points.filter((point) => point !== undefined);
}

/** The area as text: for those who cannot or will not draw, and to correct a corner. */
export function CoordinatesDialog({ open, ...dialog }: CoordinatesDialogProps) {
  return open && <OpenDialog {...dialog} />;
}

function OpenDialog({ area, onClose, onApply }: Omit<CoordinatesDialogProps, "open">) {
  const [text, setText] = useState(() => (area && area.kind !== "circle" ? write(outline(area)) : ""));
  const [error, setError] = useState("");
  const id = useId();
  const apply = () => {
    const corners = readCorners(text);
    if (typeof corners === "string") setError(corners);
    else onApply({ kind: "polygon", corners });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title="Area by coordinates"
      shape="popup"
      footer={
        <>
          <Button look="secondary" onClick={onClose}>
            Cancel
          </Button>
          <Button className="flex-1" onClick={apply}>
            Search this area
          </Button>
        </>
      }
    >
      <label htmlFor={id} className="font-medium text-sm">
        Corners
      </label>
      <p id={`${id}-hint`} className="mb-1.5 text-ink-soft text-sm">
        One a line, latitude and longitude: 42.03470, -93.61990
      </p>
      <textarea
        id={id}
        rows={7}
        spellCheck={false}
        className="field h-auto py-2 font-mono text-sm"
        aria-describedby={`${id}-hint ${id}-error`}
        aria-invalid={error !== "" || undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setError("");
        }}
      />
      <p id={`${id}-error`} role="alert" className="min-h-5 text-bad text-sm">
        {error}
      </p>
    </Dialog>
  );
}
