import { api, body } from "@/shared/api/client";
import { ifMatch } from "@/shared/api/users";
import type { Versioned } from "../queries";

const of = ({ id, version }: Versioned) => ({ path: { stage_id: id }, header: ifMatch(version) });

export const createStage = (name: string) => body(api.POST("/api/v1/stages", { body: { name } }));

export const renameStage = (stage: Versioned, name: string) =>
  body(api.PATCH("/api/v1/stages/{stage_id}", { params: of(stage), body: { name } }));

export const orderStages = (ids: string[], version: number) =>
  body(api.PUT("/api/v1/stages/order", { params: { header: ifMatch(version) }, body: { stage_ids: ids } }));

/** Whoever is in it goes to another one with it. */
export const removeStage = (stage: Versioned, moveTo: string | undefined) =>
  api.DELETE("/api/v1/stages/{stage_id}", {
    params: { ...of(stage), ...(moveTo ? { query: { move_to: moveTo } } : {}) },
  });
