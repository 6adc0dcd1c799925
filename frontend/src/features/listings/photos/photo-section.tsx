import { useState } from "react";
import { Button } from "@/shared/ui/button";
import { PHOTO_ORDER } from "../editor/fields";
import { orderOver } from "../editor/rebase";
import { useDraft, useDraftState } from "../editor/use-draft";
import { PhotoDrop } from "./photo-drop";
import { handleId, PhotoTile } from "./photo-tile";
import { UploadList } from "./upload-list";
import type { Uploads } from "./uploads";
import { placed, useDrag } from "./use-drag";

/** The listing's photos in their order, and the ways to add, move, describe and delete them. */
export function PhotoSection({ uploads }: { uploads: Uploads }) {
  const draft = useDraft();
  const { base } = useDraftState();
  const [said, setSaid] = useState("");
  const [deleted, setDeleted] = useState<string>();
  const byId = new Map(base.photos.flatMap((photo) => (photo.id === null ? [] : [[photo.id, photo]])));
  const shown = orderOver(base, draft.value(PHOTO_ORDER) as string[]).filter(
    (id) => draft.value(`deleted:${id}`) === false,
  );
  const put = (order: string[], id: string) => {
    draft.change(PHOTO_ORDER, order);
    const place = order.indexOf(id) + 1;
    setSaid(`Photo moved to place ${place} of ${order.length}${place === 1 ? ", now the cover" : ""}.`);
  };
  const drag = useDrag(shown, put);
  const remove = (id: string) => {
    const next = shown[shown.indexOf(id) + 1] ?? shown[shown.indexOf(id) - 1];
    draft.change(`deleted:${id}`, true);
    draft.leave();
    setDeleted(id);
    if (next) document.getElementById(handleId(next))?.focus();
  };
  const bringBack = () => {
    if (!deleted) return;
    draft.change(`deleted:${deleted}`, false);
    draft.leave();
    setDeleted(undefined);
    setSaid("The photo is back.");
  };
  const isGone = deleted !== undefined && draft.value(`deleted:${deleted}`) === true;
  return (
    <div className="grid gap-4">
      {drag.order.length > 0 && (
        <ol aria-label="Photos" className="grid grid-cols-1 gap-4 min-[26rem]:grid-cols-2 xl:grid-cols-3">
          {drag.order.map((id, place) => {
            const photo = byId.get(id);
            return (
              photo && (
                <PhotoTile
                  key={id}
                  id={id}
                  photo={photo}
                  place={place}
                  count={drag.order.length}
                  isDragged={drag.dragged === id}
                  handle={drag.handlers(id)}
                  onDelete={() => remove(id)}
                  onMove={(to) => {
                    if (to >= 0 && to < shown.length && to !== place) put(placed(shown, id, to), id);
                  }}
                />
              )
            );
          })}
        </ol>
      )}
      <UploadList uploads={uploads} />
      <PhotoDrop onFiles={(files) => uploads.add(files)} />
      <p role="status" className="sr-only">
        {said}
      </p>
      <div role="status" className="empty:hidden">
        {isGone && (
          <div className="fixed inset-x-4 bottom-20 z-40 mx-auto flex w-fit items-center gap-3 rounded-xl border border-line bg-raised py-2 pr-2 pl-4 text-sm shadow-float sm:bottom-6">
            Photo deleted
            <Button look="secondary" size="small" onClick={bringBack}>
              Undo
            </Button>
            <Button look="quiet" size="small" onClick={() => setDeleted(undefined)}>
              Dismiss
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}
