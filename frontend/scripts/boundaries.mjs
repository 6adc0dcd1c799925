// The frontend's structure: shared → features → app. A feature never imports a feature; no file grows past 250 lines.
// The zones come from the folders themselves, so a new feature is covered the moment it exists.
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const MAX_LINES = 250;
const IMPORT = /(?:from|import|import\()\s*["']([^"']+)["']/g;

/** `features/listings/x.ts` → `features/listings`; elsewhere the first folder. */
const zoneOf = (path) =>
  path
    .split("/")
    .slice(0, path.startsWith("features/") ? 2 : 1)
    .join("/");

/** Which zones a zone may import besides itself. */
function allows(from, to) {
  if (from === to || from === "app" || from === "testing") return true;
  if (to === "shared") return true;
  return false;
}

/** Problems of one source file; `path` is relative to src and uses slashes. */
export function check(path, text) {
  const problems = [];
  const isTest = /\.test\.tsx?$/.test(path);
  if (/(^|\/)index\.tsx?$/.test(path)) problems.push(`${path}: no barrel files`);
  if (!path.endsWith(".d.ts") && text.split("\n").length > MAX_LINES)
    problems.push(`${path}: more than ${MAX_LINES} lines`);
  for (const [, target] of text.matchAll(IMPORT)) {
    const inside = target.startsWith("@/")
      ? target.slice(2)
      : target.startsWith(".") && posix.join(posix.dirname(path), target);
    if (!inside) continue;
    const [from, to] = [zoneOf(path), zoneOf(inside)];
    if (isTest && (to === "testing" || to === "app")) continue;
    if (!allows(from, to)) problems.push(`${path}: ${from} must not import ${to} (${target})`);
  }
  return problems;
}

async function main() {
  const src = join(dirname(fileURLToPath(import.meta.url)), "..", "src");
  const names = await readdir(src, { recursive: true });
  const sources = names.filter((name) => /\.tsx?$/.test(name));
  const problems = await Promise.all(
    sources.map(async (name) =>
      check(relative("", name).replaceAll("\\", "/"), await readFile(join(src, name), "utf8")),
    ),
  );
  for (const line of problems.flat()) console.error(line);
  if (problems.flat().length > 0) process.exit(1);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
