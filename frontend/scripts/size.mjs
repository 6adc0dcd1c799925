// Fails when what a first visit has to fetch before it shows anything has outgrown its budget (gzip, scripts and styles).
import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const BUDGETS = { script: 150_000, style: 15_000, anyChunk: 60_000 };
const dist = new URL("../dist/", import.meta.url);

const gzipped = async (path) => gzipSync(await readFile(new URL(path, dist))).length;
const sum = async (paths) => (await Promise.all(paths.map(gzipped))).reduce((total, size) => total + size, 0);

const html = await readFile(new URL("index.html", dist), "utf8");
const linked = (pattern) => [...html.matchAll(pattern)].map(([, path]) => path.slice(1));
const scripts = linked(/(?:<script[^>]* src|<link rel="modulepreload"[^>]* href)="([^"]+)"/g);
const styles = linked(/<link rel="stylesheet"[^>]* href="([^"]+)"/g);
const lazy = (await readdir(new URL("assets/", dist)))
  .map((name) => `assets/${name}`)
  .filter((path) => path.endsWith(".js") && !scripts.includes(path));

const sizes = { script: await sum(scripts), style: await sum(styles) };
const largest = Math.max(0, ...(await Promise.all(lazy.map(gzipped))));
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `First visit, gzip: scripts ${kB(sizes.script)} of ${kB(BUDGETS.script)}, styles ${kB(sizes.style)} of ${kB(BUDGETS.style)}; largest page chunk ${kB(largest)}`,
);

if (/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/.test(html)) {
  console.error("dist/index.html holds an inline script, style or handler, which the content security policy refuses.");
  process.exit(1);
}
if (sizes.script > BUDGETS.script || sizes.style > BUDGETS.style || largest > BUDGETS.anyChunk) process.exit(1);
