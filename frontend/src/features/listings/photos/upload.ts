/** One picture on its way to the server. By XMLHttpRequest: fetch does not tell how much has been sent. */
import { ApiProblem } from "@/shared/api/problem";
import type { Photo } from "@/shared/api/types";

/** Keys of pictures that were sent and may have arrived: sent again they are no second ones. */
const unanswered = new WeakMap<Blob, string>();

/** Refused with ApiProblem, or with TypeError when there is no connection, as by fetch. */
export function sendPhoto(listing: string, file: Blob, onProgress: (part: number) => void, signal: AbortSignal) {
  return new Promise<Photo>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/v1/properties/${encodeURIComponent(listing)}/photos`);
    request.setRequestHeader("content-type", file.type);
    const key = unanswered.get(file) ?? crypto.randomUUID();
    unanswered.set(file, key);
    request.setRequestHeader("idempotency-key", key);
    request.setRequestHeader("accept", "application/json, application/problem+json");
    request.upload.addEventListener("progress", ({ loaded, total }) => total > 0 && onProgress(loaded / total));
    request.addEventListener("load", () => {
      if (request.status < 300) {
        unanswered.delete(file);
        return resolve(JSON.parse(request.responseText) as Photo);
      }
      const headers = { "content-type": request.getResponseHeader("content-type") ?? "text/plain" };
      const answer = new Response(request.responseText, { status: request.status, headers });
      ApiProblem.from(answer).then(reject, reject);
    });
    request.addEventListener("error", () => reject(new TypeError("The picture could not be sent.")));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
