/** Imports: all that happens to one is on the server, so that a page opened anew goes on where it was. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, body } from "@/shared/api/client";
import { sendFile } from "@/shared/api/send-file";
import type { BulkImport, ImportMapping } from "@/shared/api/types";
import { ifMatch } from "@/shared/api/users";
import type { Subject } from "./subject";

type Path = Subject["path"];

export const importsQuery = (path: Path) =>
  infiniteQueryOptions({
    queryKey: ["imports", path, "list"],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET(`/api/v1/${path}-imports`, {
          params: { query: { limit: 10, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });

const one = (id: string) => ({ path: { import_id: id } });

export const importQuery = (path: Path, id: string) =>
  queryOptions({
    queryKey: ["imports", path, "one", id],
    queryFn: ({ signal }) => body(api.GET(`/api/v1/${path}-imports/{import_id}`, { params: one(id), signal })),
  });

/** The faulty rows of one check: columns that are chosen anew make new ones. */
export const faultsQuery = (path: Path, { id, job_id }: Pick<BulkImport, "id" | "job_id">) =>
  infiniteQueryOptions({
    queryKey: ["imports", path, "faults", id, job_id],
    queryFn: ({ pageParam, signal }) =>
      body(
        api.GET(`/api/v1/${path}-imports/{import_id}/errors`, {
          params: { ...one(id), query: { limit: 20, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });

export const faultsFile = (path: Path, { id }: Pick<BulkImport, "id">) => `/api/v1/${path}-imports/${id}/errors.csv`;

export const sendImport = (
  path: Path,
  file: File,
  type: string,
  onProgress: (part: number) => void,
  signal: AbortSignal,
) =>
  sendFile<BulkImport>(`/api/v1/${path}-imports?file_name=${encodeURIComponent(file.name)}`, file, {
    type,
    onProgress,
    signal,
  });

const at = ({ id, version }: Pick<BulkImport, "id" | "version">) => ({ ...one(id), header: ifMatch(version) });

export const mapColumns = (path: Path, found: BulkImport, mapping: ImportMapping) =>
  body(api.PATCH(`/api/v1/${path}-imports/{import_id}`, { params: at(found), body: { mapping } }));

export const applyImport = (path: Path, found: BulkImport) =>
  body(api.POST(`/api/v1/${path}-imports/{import_id}/application`, { params: at(found) }));

export const undoImport = (path: Path, found: BulkImport) =>
  body(api.POST(`/api/v1/${path}-imports/{import_id}/undo`, { params: at(found) }));
