/** The one door to the app's API: typed by its OpenAPI file, same origin, cookie session; refusals become ApiProblem. */
import createClient, { type Middleware } from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";

const refuseErrors: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await ApiProblem.from(response);
  },
};

/** Keys of what was sent and may have been done, by what it is: the same thing sent again is no second one. */
const unanswered = new Map<string, string>();

async function send(request: Request): Promise<Response> {
  if (request.method !== "POST") return globalThis.fetch(request);
  const what = request.url + (await request.clone().text());
  const key = unanswered.get(what) ?? crypto.randomUUID();
  unanswered.set(what, key);
  request.headers.set("idempotency-key", key);
  const response = await globalThis.fetch(request);
  // A conflict may be with the first one, which is still running.
  if (response.status < 500 && response.status !== 409) unanswered.delete(what);
  return response;
}

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  headers: { accept: "application/json, application/problem+json" },
  // Looks the browser's own up at each call, so that one replaced later (a test's server) is honoured.
  fetch: send,
});
api.use(refuseErrors);

/** The body of an answer that the middleware let through. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error("The server answered without a body.");
  return data;
}
