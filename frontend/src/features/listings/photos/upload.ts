/** One picture on its way to a listing. */
import { sendFile } from "@/shared/api/send-file";
import type { Photo } from "@/shared/api/types";

export const sendPhoto = (listing: string, file: Blob, onProgress: (part: number) => void, signal: AbortSignal) =>
  sendFile<Photo>(`/api/v1/properties/${encodeURIComponent(listing)}/photos`, file, { onProgress, signal });
