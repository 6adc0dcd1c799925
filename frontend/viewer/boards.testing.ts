/** The real dashboards, as they are committed. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Dashboard } from "./model";

const folder = join(process.cwd(), "..", "observability", "dashboards", "generated");

const boards: Dashboard[] = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));

export default boards;
