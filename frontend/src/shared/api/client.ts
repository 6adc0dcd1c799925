/** The one door to the app's API: typed by its OpenAPI file, same origin, cookie session; refusals become ApiProblem. */
import createClient from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";

/** Keys of what was sent and may have been done, by what it is: the same thing sent again is no second one. */
const unanswered: Record<string, string> = {};

async function send(request: Request): Promise<Response> {
  const what = request.method === "POST" ? request.url + (await request.clone().text()) : "";
  if (what) {
    unanswered[what] ??= crypto.randomUUID();
    request.headers.set("idempotency-key", unanswered[what]);
  }
  // Looked up at each call, so that a fetch replaced later (a test's server) is honoured.
  const response = await globalThis.fetch(request);
  // A conflict may be with the first one, which is still running.
  if (response.status < 500 && response.status !== 409) delete unanswered[what];
  if (!response.ok) throw await ApiProblem.from(response);
  return response;
}

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: send });

/** The body of an answer that was no refusal. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error("No body came.");
  return data;
}
