/**
 * `npm run mock`: the fake app on http://127.0.0.1:4400 with the built pages, under the real content security policy.
 * For looking at the interface without a stack; `npm run dev` sends its API requests here.
 */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname } from "node:path";
import { FakeApp } from "../src/testing/fake-app.ts";

const PORT = Number(process.env.PORT ?? 4400);
const DIST = new URL("../dist/", import.meta.url);
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
  "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

const app = new FakeApp({ homes: 2_400, own: 3 });
app.editing.processing = 2_000;
app.bulk.jobs.takes = 2_000;

/** A picture in an own colour per home; plainly a placeholder. */
function picture(path: string): Response {
  const hue = [...path].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 800"><rect width="1200" height="800" fill="hsl(${hue} 32% 82%)"/><path d="M0 640h1200v160H0z" fill="hsl(${(hue + 90) % 360} 22% 62%)"/><path d="M320 640V400l280-200 280 200v240z" fill="hsl(${(hue + 180) % 360} 24% 48%)"/><path d="M540 640V480h120v160z" fill="#fff" opacity=".55"/></svg>`;
  return new Response(svg, { headers: { "content-type": "image/svg+xml" } });
}

async function file(path: string): Promise<Response> {
  const name = path === "/" || extname(path) === "" ? "index.html" : path.slice(1);
  const content = await readFile(new URL(name, DIST)).catch(() => undefined);
  if (!content) return new Response("Not found", { status: 404 });
  return new Response(new Uint8Array(content), { headers: { "content-type": TYPES[extname(name)] ?? "text/plain" } });
}

const redirect = (location: string, cookie: string): Response =>
  new Response(null, { status: 302, headers: { location, "set-cookie": `${cookie}; Path=/` } });

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const cookies = new URLSearchParams((request.headers.get("cookie") ?? "").replaceAll("; ", "&"));
  if (pathname === "/auth/login")
    return redirect("/sign-in?request=r1", `return_to=${encodeURIComponent(searchParams.get("return_to") ?? "/")}`);
  if (pathname === "/auth/callback")
    return redirect(cookies.get("return_to") ?? "/", "session=1; HttpOnly; SameSite=Lax");
  if (!cookies.has("session")) app.session = undefined;
  else if (!app.session) app.signIn();
  if (request.method === "GET" && /\/photos\/[^/]+$/.test(pathname)) return picture(pathname);
  if (/^\/(api|auth|oauth)\//.test(pathname)) return app.handle(request);
  return file(pathname);
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const init: RequestInit = { method: incoming.method ?? "GET", headers: incoming.headers as Record<string, string> };
  if (chunks.length > 0) init.body = new Uint8Array(Buffer.concat(chunks));
  const response = await answer(new Request(`http://127.0.0.1:${PORT}${incoming.url}`, init));
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
  });
  outgoing.end(Buffer.from(await response.arrayBuffer()));
}

createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch((error: unknown) => {
    console.error(error);
    outgoing.writeHead(500).end();
  });
}).listen(PORT, "127.0.0.1", () =>
  console.log(`http://127.0.0.1:${PORT} (${app.account.email}, ${app.account.password})`),
);
