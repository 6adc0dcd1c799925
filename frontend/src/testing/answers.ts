/** How a fake answers, lists and refuses. */
export type Handler = (request: Request, url: URL, parts: string[]) => Response | Promise<Response>;
export type Errors = { pointer: string; detail: string }[];

export const json = (value: unknown, status = 200) => Response.json(value, { status });
export const nothing = () => new Response(null, { status: 204 });

export function refuse(status: number, code: string, title: string, detail?: string, errors?: Errors): Response {
  const body = { type: `https://rooftree.dev/problems/${code}`, title, status, detail, errors, request_id: "req-1" };
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json" } });
}

export const refuseFields = (errors: Errors) =>
  refuse(422, "unprocessable", "The request has errors", undefined, errors);

export const missing = () => refuse(404, "not-found", "Not found");
export const forbidden = () => refuse(403, "forbidden", "Not allowed");

export function page<T>(items: T[], { searchParams }: URL): Response {
  const start = Number(searchParams.get("cursor") ?? 0);
  const end = start + Number(searchParams.get("limit") ?? 50);
  return json({
    items: items.slice(start, end),
    total: items.length,
    next_cursor: end < items.length ? String(end) : null,
  });
}

/** The refusal of a change that names no version, or one that is no longer the newest. */
export function staleness(request: Request, version: number): Response | undefined {
  const given = request.headers.get("if-match");
  if (given === null) return refuse(428, "precondition-required", "If-Match is needed.");
  if (given !== `"${version}"`) return refuse(412, "version-conflict", "Someone else has changed this meanwhile.");
  return undefined;
}
