/** One file on its way to the server, as it is. By XMLHttpRequest: fetch does not tell how much has been sent. */
import { ApiProblem } from "./problem";

/** Keys of files that were sent and may have arrived: sent again they are no second ones. */
const unanswered = new WeakMap<Blob, string>();

interface Sending {
  type?: string;
  /** From 0 to 1. */
  onProgress: (part: number) => void;
  signal: AbortSignal;
}

/** What the server made of it. Refused with ApiProblem, or with TypeError when there is no connection, as by fetch. */
export function sendFile<Made>(address: string, file: Blob, { type = file.type, onProgress, signal }: Sending) {
  return new Promise<Made>((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("content-type", type);
    const key = unanswered.get(file) ?? crypto.randomUUID();
    unanswered.set(file, key);
    request.setRequestHeader("idempotency-key", key);
    request.setRequestHeader("accept", "application/json, application/problem+json");
    request.upload.addEventListener("progress", ({ loaded, total }) => total > 0 && onProgress(loaded / total));
    request.addEventListener("load", () => {
      if (request.status < 300) {
        unanswered.delete(file);
        return resolve(JSON.parse(request.responseText) as Made);
      }
      const headers = { "content-type": request.getResponseHeader("content-type") ?? "text/plain" };
      const answer = new Response(request.responseText, { status: request.status, headers });
      ApiProblem.from(answer).then(reject, reject);
    });
    request.addEventListener("error", () => reject(new TypeError("The file could not be sent.")));
    request.addEventListener("abort", () => reject(signal.reason));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
