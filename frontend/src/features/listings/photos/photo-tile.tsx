import { ArrowLeft, ArrowRight, Ellipsis, GripVertical, LoaderCircle, Star, Trash2 } from "lucide-react";
import type { ComponentProps } from "react";
import type { Photo as ListingPhoto } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { Badge } from "@/shared/ui/badge";
import { Button } from "@/shared/ui/button";
import { Menu, MenuItem, MenuSeparator } from "@/shared/ui/menu";
import { inputId, useField } from "../editor/use-draft";
import { Photo } from "../photo";

interface PhotoTileProps {
  photo: ListingPhoto;
  id: string;
  place: number;
  count: number;
  isDragged: boolean;
  onMove: (place: number) => void;
  onDelete: () => void;
  handle: ComponentProps<"button">;
}

const KEYS: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

export const handleId = (id: string): string => `handle-${id}`;

/** One photo: its picture, its place, which can be changed by pointer, by keys and by menu, and its description. */
export function PhotoTile({ photo, id, place, count, isDragged, onMove, onDelete, handle }: PhotoTileProps) {
  const name = `Photo ${place + 1} of ${count}`;
  const isReady = photo.state === "ready";
  return (
    <li
      data-photo={id}
      aria-label={name}
      className={cn(
        "flex flex-col overflow-hidden rounded-xl border border-line bg-surface",
        isDragged && "opacity-80 shadow-float outline-2 outline-brand",
      )}
    >
      <div className="relative">
        {isReady ? (
          <Photo photo={{ url: photo.sizes?.medium ?? photo.url, alt: photo.alt }} className="aspect-[3/2] w-full" />
        ) : (
          <NotReady state={photo.state} />
        )}
        {place === 0 && (
          <div className="absolute top-2 left-2">
            <Badge tone="good">
              <Star className="size-3" aria-hidden />
              Cover
            </Badge>
          </div>
        )}
      </div>
      <div className="flex items-center border-line border-b px-1">
        <button
          type="button"
          id={handleId(id)}
          className="grid size-10 cursor-grab touch-none place-items-center rounded-md text-ink-soft hover:bg-sunken hover:text-ink active:cursor-grabbing"
          aria-label={`Move ${name.toLowerCase()}: arrow keys, or drag`}
          onKeyDown={(event) => {
            const step = KEYS[event.key];
            if (step === undefined) return;
            event.preventDefault();
            onMove(place + step);
          }}
          {...handle}
        >
          <GripVertical className="size-4" aria-hidden />
        </button>
        <Step label={`Move ${name.toLowerCase()} earlier`} isOff={place === 0} onClick={() => onMove(place - 1)}>
          <ArrowLeft aria-hidden />
        </Step>
        <Step label={`Move ${name.toLowerCase()} later`} isOff={place === count - 1} onClick={() => onMove(place + 1)}>
          <ArrowRight aria-hidden />
        </Step>
        <div className="ml-auto">
          <PhotoMenu name={name} place={place} count={count} onMove={onMove} onDelete={onDelete} />
        </div>
      </div>
      <Description id={id} name={name} />
    </li>
  );
}

const Step = ({ label, isOff, ...props }: { label: string; isOff: boolean } & ComponentProps<"button">) => (
  <Button
    look="quiet"
    size="icon"
    className="size-9"
    aria-label={label}
    aria-disabled={isOff || undefined}
    {...props}
    onClick={isOff ? undefined : props.onClick}
  />
);

type PhotoMenuProps = Pick<PhotoTileProps, "place" | "count" | "onMove" | "onDelete"> & { name: string };

const PhotoMenu = ({ name, place, count, onMove, onDelete }: PhotoMenuProps) => (
  <Menu
    trigger={
      <Button look="quiet" size="icon" className="size-9" aria-label={`${name}: more`}>
        <Ellipsis aria-hidden />
      </Button>
    }
  >
    {place > 0 && <MenuItem onSelect={() => onMove(0)}>Make it the cover</MenuItem>}
    {place > 0 && <MenuItem onSelect={() => onMove(place - 1)}>Move earlier</MenuItem>}
    {place < count - 1 && <MenuItem onSelect={() => onMove(place + 1)}>Move later</MenuItem>}
    {place < count - 1 && <MenuItem onSelect={() => onMove(count - 1)}>Move to the end</MenuItem>}
    {count > 1 && <MenuSeparator />}
    <MenuItem onSelect={() => setTimeout(onDelete)}>
      <Trash2 aria-hidden />
      Delete
    </MenuItem>
  </Menu>
);

const NotReady = ({ state }: { state: ListingPhoto["state"] }) => (
  <div className="grid aspect-[3/2] w-full place-content-center justify-items-center gap-2 bg-sunken px-4 text-center text-ink-soft text-sm">
    {state === "processing" ? (
      <>
        <LoaderCircle className="size-5 animate-spin" aria-hidden />
        Being prepared
      </>
    ) : (
      <p role="alert" className="text-bad">
        This picture could not be prepared. Delete it and add it again.
      </p>
    )}
  </div>
);

/** What the picture shows, for those who do not see it. */
function Description({ id, name }: { id: string; name: string }) {
  const field = useField(`description:${id}`);
  const problemId = `${inputId(`description:${id}`)}-error`;
  return (
    <div className="p-2">
      <input
        id={inputId(`description:${id}`)}
        className="field h-9 text-sm"
        aria-label={`Description of ${name.toLowerCase()}`}
        aria-invalid={field.problem ? true : undefined}
        aria-describedby={field.problem ? problemId : undefined}
        placeholder="What it shows"
        maxLength={500}
        value={field.value === null ? "" : String(field.value)}
        onChange={({ target }) => field.change(target.value || null)}
        onBlur={field.leave}
      />
      {field.problem && (
        <p id={problemId} className="mt-1 text-bad text-sm">
          {field.problem}
        </p>
      )}
    </div>
  );
}
