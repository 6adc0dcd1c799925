import { Camera, ImagePlus } from "lucide-react";
import { type DragEvent, useRef, useState } from "react";
import { cn } from "@/shared/lib/cn";
import { Button } from "@/shared/ui/button";
import { TYPES } from "./uploads";

/** Where pictures come in: dropped, chosen, or taken with the phone's camera. */
export function DropZone({ onFiles }: { onFiles: (files: FileList) => void }) {
  const files = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (input: HTMLInputElement) => {
    if (input.files?.length) onFiles(input.files);
    input.value = "";
  };
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
      <p className="text-ink-soft text-sm phone:hidden">Drop pictures here, or</p>
      <div className="flex flex-wrap justify-center gap-2">
        <Button look="secondary" onClick={() => files.current?.click()}>
          <ImagePlus aria-hidden />
          Add photos
        </Button>
        <Button look="secondary" className="hidden pointer-coarse:inline-flex" onClick={() => camera.current?.click()}>
          <Camera aria-hidden />
          Take a photo
        </Button>
      </div>
      <input
        ref={files}
        type="file"
        multiple
        accept={TYPES.join(",")}
        className="hidden"
        aria-label="Photos to add"
        onChange={({ target }) => take(target)}
      />
      <input
        ref={camera}
        type="file"
        accept="image/jpeg"
        capture="environment"
        className="hidden"
        aria-label="Photo to take"
        onChange={({ target }) => take(target)}
      />
    </div>
  );
}
