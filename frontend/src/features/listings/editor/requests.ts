import { api, body } from "@/shared/api/client";
import type { PropertyDetail, StatusChange } from "@/shared/api/types";
import { PHOTO_ORDER, photoEdit } from "./fields";
import { type Edits, orderOver } from "./rebase";

const over = (id: string, version: number) => ({
  path: { property_id: id },
  header: { "If-Match": `"${version}"` },
});

export const loadListing = (id: string) =>
  body(api.GET("/api/v1/properties/{property_id}", { params: { path: { property_id: id } }, cache: "no-store" }));

/** A merge patch: what is left out stays, null takes a value away. */
const patch = (id: string, edits: Edits, version: number) =>
  body(api.PATCH("/api/v1/properties/{property_id}", { params: over(id, version), body: edits as object }));

const order = (id: string, photos: string[], version: number) =>
  body(
    api.PUT("/api/v1/properties/{property_id}/photos/order", {
      params: over(id, version),
      body: { photo_ids: photos },
    }),
  );

async function sendPhotoEdit(name: string, value: unknown): Promise<void> {
  const edit = photoEdit(name);
  const params = { path: { photo_id: edit?.photo ?? "" } };
  if (edit?.what === "description")
    await api.PATCH("/api/v1/photos/{photo_id}", { params, body: { description: value ? String(value) : null } });
  else if (value === true) await api.DELETE("/api/v1/photos/{photo_id}", { params });
  else await api.POST("/api/v1/photos/{photo_id}/restoration", { params });
}

/** Fields in one patch; an edit of the photos by its own request, after which the listing is read anew. */
export async function sendEdits(edits: Edits, base: PropertyDetail): Promise<PropertyDetail> {
  const [name = "", value] = Object.entries(edits)[0] ?? [];
  if (name === PHOTO_ORDER) return order(base.id, orderOver(base, value as string[]), base.version);
  if (!photoEdit(name)) return patch(base.id, edits, base.version);
  await sendPhotoEdit(name, value);
  return loadListing(base.id);
}

export const changeStatus = (id: string, change: StatusChange, version: number): Promise<PropertyDetail> =>
  body(api.POST("/api/v1/properties/{property_id}/status-changes", { params: over(id, version), body: change }));
