/** The one door to the app's API: typed by its OpenAPI file, same origin, cookie session; refusals become ApiProblem. */
import createClient from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";

/** Keys of what was sent and may have been done, by what it is: the same thing sent again is no second one. */
const unanswered = new Map<string, string>();

async function send(request: Request): Promise<Response> {
  const what = request.method === "POST" ? request.url + (await request.clone().text()) : "";
  if (what) {
    const key = unanswered.get(what) ?? crypto.randomUUID();
    unanswered.set(what, key);
    request.headers.set("idempotency-key", key);
  }
  // Looked up at each call, so that a fetch replaced later (a test's server) is honoured.
  const response = await globalThis.fetch(request);
  // A conflict may be with the first one, which is still running.
  if (response.status < 500 && response.status !== 409) unanswered.delete(what);
  if (!response.ok) throw await ApiProblem.from(response);
  return response;
}

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: send });

/** The body of an answer that was no refusal. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error("The server answered without a body.");
  return data;
}
