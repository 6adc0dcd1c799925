import { House } from "lucide-react";
import { useState } from "react";
import { cn } from "@/shared/lib/cn";

interface PhotoProps {
  photo: { url: string; alt: string } | null | undefined;
  className?: string;
  /** The picture that the page is about is fetched first, the others when they come near. */
  first?: boolean;
}

/** A listing's picture in a fixed frame, or a plain sign that there is none. */
export function Photo({ photo, className, first = false }: PhotoProps) {
  const [failed, setFailed] = useState<string>();
  const frame = cn("relative grid place-items-center overflow-hidden bg-sunken text-ink-soft", className);
  if (!photo || failed === photo.url)
    return (
      <div className={frame} data-slot="no-photo">
        <div className="grid justify-items-center gap-1.5 text-xs">
          <House className="size-7 opacity-60" strokeWidth={1.4} aria-hidden />
          {photo ? "Photo could not be loaded" : "No photo yet"}
        </div>
      </div>
    );
  return (
    <div className={frame}>
      <img
        src={photo.url}
        alt={photo.alt}
        className="absolute inset-0 size-full object-cover"
        loading={first ? "eager" : "lazy"}
        fetchPriority={first ? "high" : "auto"}
        decoding="async"
        onError={() => setFailed(photo.url)}
      />
    </div>
  );
}
