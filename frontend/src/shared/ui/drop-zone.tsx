import { type DragEvent, type ReactNode, useState } from "react";
import { cn } from "@/shared/lib/cn";

interface DropZoneProps {
  onFiles: (files: FileList) => void;
  /** Another way to the same, for those who do not drag. */
  children: ReactNode;
}

/** Where files may be dropped. */
export function DropZone({ onFiles, children }: DropZoneProps) {
  const [isOver, setOver] = useState(false);
  const over = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(true);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; the buttons inside do the same.
    <div
      data-drop-zone
      className={cn(
        "grid justify-items-center gap-3 rounded-xl border-2 border-control border-dashed px-4 py-6 text-center transition-colors",
        isOver && "border-brand bg-brand-soft",
      )}
      onDragEnter={over}
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        if (event.dataTransfer.files.length > 0) onFiles(event.dataTransfer.files);
      }}
    >
      {children}
    </div>
  );
}
