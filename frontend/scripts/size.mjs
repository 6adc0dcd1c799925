// Fails when what a first visit has to fetch before it shows anything has outgrown its budget (gzip, scripts and styles).
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

// The map's code is fetched when a map is first shown, beside or after everything else, and then kept.
const BUDGETS = { script: 132_000, style: 15_000, anyChunk: 60_000, map: 300_000, mapWorker: 160_000 };
const dist = new URL("../dist/", import.meta.url);

const gzipped = async (path) => gzipSync(await readFile(new URL(path, dist))).length;
const sum = async (paths) => (await Promise.all(paths.map(gzipped))).reduce((total, size) => total + size, 0);

const html = await readFile(new URL("index.html", dist), "utf8");
const linked = (pattern) => [...html.matchAll(pattern)].map(([, path]) => path.slice(1));
const scripts = linked(/(?:<script[^>]* src|<link rel="modulepreload"[^>]* href)="([^"]+)"/g);
const styles = linked(/<link rel="stylesheet"[^>]* href="([^"]+)"/g);
const assets = (await readdir(new URL("assets/", dist))).map((name) => `assets/${name}`);
const isMap = (path) => path.startsWith("assets/map-engine-");
const lazy = assets.filter((path) => path.endsWith(".js") && !isMap(path) && !scripts.includes(path));

const sizes = {
  script: await sum(scripts),
  style: await sum(styles),
  anyChunk: Math.max(0, ...(await Promise.all(lazy.map(gzipped)))),
  map: await sum(assets.filter((path) => path.endsWith(".js") && isMap(path))),
  mapWorker: await sum(assets.filter((path) => path.endsWith(".mjs"))),
};
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const shown = (name) => `${kB(sizes[name])} of ${kB(BUDGETS[name])}`;
console.log(
  `First visit, gzip: scripts ${shown("script")}, styles ${shown("style")}; largest page chunk ${shown("anyChunk")}; ` +
    `map ${shown("map")}, its worker ${shown("mapWorker")}`,
);

if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/.test(html)) {
  console.error("dist/index.html holds an inline script, style or handler, which the content security policy refuses.");
  process.exit(1);
}
if (scripts.some(isMap)) throw new Error("The map's code is part of the first visit.");
if (Object.keys(BUDGETS).some((name) => sizes[name] > BUDGETS[name])) process.exit(1);
