import { Redo2, Undo2 } from "lucide-react";
import { useEffect, useState } from "react";
import { Button } from "@/shared/ui/button";
import { type EditName, labelOf } from "./fields";
import { useDraft, useDraftState } from "./use-draft";

const isTextBox = (target: EventTarget | null): boolean =>
  target instanceof HTMLTextAreaElement ||
  (target instanceof HTMLInputElement && !["checkbox", "radio", "file"].includes(target.type));

/** Buttons, and Ctrl/Cmd+Z wherever the focus is in no text box: those have an undo of their own. */
export function UndoButtons() {
  const draft = useDraft();
  const { undoable, redoable } = useDraftState();
  const [said, setSaid] = useState("");
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || isTextBox(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) tell("Done again", draft.redo());
      else tell("Undone", draft.undo());
    };
    const tell = (what: string, name: EditName | undefined) => setSaid(name ? `${what}: ${labelOf(name)}` : "");
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [draft]);
  const press = (what: string, name: EditName | undefined) => setSaid(name ? `${what}: ${labelOf(name)}` : "");
  return (
    <div className="flex">
      <Button
        look="quiet"
        size="icon"
        className="size-8"
        aria-label={undoable ? `Undo: ${labelOf(undoable)}` : "Undo"}
        title="Undo"
        aria-disabled={!undoable || undefined}
        onClick={() => press("Undone", draft.undo())}
      >
        <Undo2 aria-hidden />
      </Button>
      <Button
        look="quiet"
        size="icon"
        className="size-8"
        aria-label={redoable ? `Redo: ${labelOf(redoable)}` : "Redo"}
        title="Redo"
        aria-disabled={!redoable || undefined}
        onClick={() => press("Done again", draft.redo())}
      >
        <Redo2 aria-hidden />
      </Button>
      <span role="status" className="sr-only">
        {said}
      </span>
    </div>
  );
}
