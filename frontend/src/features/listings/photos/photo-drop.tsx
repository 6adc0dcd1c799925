import { Camera, ImagePlus } from "lucide-react";
import { useRef } from "react";
import { Button } from "@/shared/ui/button";
import { DropZone } from "@/shared/ui/drop-zone";
import { TYPES } from "./uploads";

/** Where pictures come in: dropped, chosen, or taken with the phone's camera. */
export function PhotoDrop({ onFiles }: { onFiles: (files: FileList) => void }) {
  const files = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const take = (input: HTMLInputElement) => {
    if (input.files?.length) onFiles(input.files);
    input.value = "";
  };
  return (
    <DropZone onFiles={onFiles}>
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
    </DropZone>
  );
}
