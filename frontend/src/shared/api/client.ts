/** The one door to the app's API: typed by its OpenAPI file, same origin, cookie session; refusals become ApiProblem. */
import createClient, { type Middleware } from "openapi-fetch";
import { ApiProblem } from "./problem";
import type { paths } from "./schema";

const refuseErrors: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await ApiProblem.from(response);
  },
};

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  credentials: "same-origin",
  headers: { accept: "application/json, application/problem+json" },
  // Looked up at each call, so that a fetch replaced later (a test's server) is honoured.
  fetch: (request) => globalThis.fetch(request),
});
api.use(refuseErrors);

/** The body of an answer that the middleware let through. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  const { data } = await answer;
  if (data === undefined) throw new Error("The server answered without a body.");
  return data;
}
