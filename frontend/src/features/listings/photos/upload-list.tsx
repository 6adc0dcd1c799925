import { ImageOff, RotateCw, X } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { Button } from "@/shared/ui/button";
import type { Upload, Uploads } from "./uploads";

/** What is on its way, each with its progress, and what did not get there. */
export function UploadList({ uploads }: { uploads: Uploads }) {
  const all = useSyncExternalStore(uploads.subscribe, uploads.snapshot);
  if (all.length === 0) return null;
  return (
    <ul aria-label="Photos on their way" className="grid gap-2">
      {all.map((upload) => (
        <Row key={upload.id} upload={upload} uploads={uploads} />
      ))}
    </ul>
  );
}

const STATES = { waiting: "Waiting", sending: "Sending", failed: "Not sent", refused: "Refused" };

function Row({ upload, uploads }: { upload: Upload; uploads: Uploads }) {
  const { id, file, state, progress, message } = upload;
  const isBad = state === "failed" || state === "refused";
  const percent = Math.round(progress * 100);
  return (
    <li className="flex items-center gap-3 rounded-lg border border-line p-2 pr-1">
      {state === "refused" ? (
        <span className="grid size-12 shrink-0 place-items-center rounded-md bg-sunken text-ink-soft">
          <ImageOff className="size-5" aria-hidden />
        </span>
      ) : (
        <Preview file={file} />
      )}
      <div className="min-w-0 flex-1">
        <p className="truncate text-sm">{file.name}</p>
        {isBad ? (
          <p role="alert" className="text-bad text-sm">
            {STATES[state]}: {message}
          </p>
        ) : (
          <>
            <div
              role="progressbar"
              aria-label={`Sending ${file.name}`}
              aria-valuemin={0}
              aria-valuemax={100}
              aria-valuenow={percent}
              className="mt-1 h-1.5 overflow-hidden rounded-full bg-sunken"
            >
              <div className="h-full rounded-full bg-brand transition-[width]" style={{ width: `${percent}%` }} />
            </div>
            <p className="mt-1 text-ink-soft text-xs tabular-nums">
              {state === "waiting" ? "Waiting" : percent === 100 ? "Being received" : `${percent} %`}
            </p>
          </>
        )}
      </div>
      {state === "failed" && (
        <Button look="quiet" size="small" onClick={() => uploads.retry(id)}>
          <RotateCw aria-hidden />
          Retry <span className="sr-only">{file.name}</span>
        </Button>
      )}
      <Button
        look="quiet"
        size="icon"
        aria-label={`${isBad ? "Dismiss" : "Stop"} ${file.name}`}
        onClick={() => uploads.remove(id)}
      >
        <X aria-hidden />
      </Button>
    </li>
  );
}

/** Drawn, not linked: the security policy lets in no picture that is made on the page. */
function Preview({ file }: { file: File }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isGone = false;
    const draw = async () => {
      const bitmap = await createImageBitmap(file, { resizeWidth: 144, resizeQuality: "medium" });
      const context = isGone ? null : canvas.current?.getContext("2d");
      const scale = Math.max(96 / bitmap.width, 96 / bitmap.height);
      const [width, height] = [bitmap.width * scale, bitmap.height * scale];
      context?.drawImage(bitmap, (96 - width) / 2, (96 - height) / 2, width, height);
      bitmap.close();
    };
    // A picture that the browser cannot read is the server's to judge; its row goes without a preview.
    if (typeof createImageBitmap !== "undefined") draw().catch(() => undefined);
    return () => {
      isGone = true;
    };
  }, [file]);
  return <canvas ref={canvas} width={96} height={96} className="size-12 shrink-0 rounded-md bg-sunken" aria-hidden />;
}
