/** Imports and exports as the app does them: a check, the deed, its undoing, each a job. */
import type { BulkImport, ImportFault, ImportMapping, Session } from "../shared/api/types";
import { forbidden, type Handler, json, missing, page, refuse, staleness } from "./answers.ts";
import { FakeExports } from "./fake-exports.ts";
import type { BrokenOff, FakeJobs } from "./fake-jobs.ts";
import { type FakeSubject, type Kind, readTable, type Table } from "./tables.ts";

const MOST_BYTES = 10 * 1024 * 1024;
const FORMATS: Record<string, BulkImport["format"]> = {
  "text/csv": "csv",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/x-ndjson": "jsonl",
};

interface Kept<Verdict, Effect> {
  shown: BulkImport;
  table: Table | undefined;
  verdicts: Verdict[];
  faults: ImportFault[];
  effects: Effect[];
}

export class FakeBulk<Verdict extends { kind: Kind }, Effect> {
  kept: Kept<Verdict, Effect>[] = [];
  /** How the next file's text is read. */
  encoding = "utf-8";
  jobs: FakeJobs;
  #subject: FakeSubject<Verdict, Effect>;
  #self: () => Session["user"];
  #exports: FakeExports;

  constructor(subject: FakeSubject<Verdict, Effect>, jobs: FakeJobs, self: () => Session["user"]) {
    this.#subject = subject;
    this.jobs = jobs;
    this.#self = self;
    this.#exports = new FakeExports(subject, jobs);
  }

  get routes(): [RegExp, Handler][] {
    const at = (method: string, rest = "") => new RegExp(`^${method} /api/v1/${this.#subject.path}-imports${rest}$`);
    const own: [RegExp, Handler][] = [
      [at("POST"), (request, url) => this.#receive(request, url)],
      [at("GET"), (_request, url) => this.#list(url)],
      [at("GET", "/([^/]+)"), this.#with(({ shown }) => json(shown))],
      [at("PATCH", "/([^/]+)"), this.#deed("checked", (kept, request) => this.#map(kept, request))],
      [at("GET", "/([^/]+)/errors"), this.#with(({ faults }, url) => page(faults, url))],
      [at("POST", "/([^/]+)/application"), this.#deed("checked", (kept) => this.#apply(kept))],
      [at("POST", "/([^/]+)/undo"), this.#deed("applied", (kept) => this.#undo(kept))],
      ...this.#exports.routes,
    ];
    return own.map(([path, handler]) => [path, this.jobs.settled(handler)]);
  }

  #list(url: URL): Response {
    const shown = this.kept.map((each) => each.shown);
    return page(shown, url);
  }

  #with =
    (act: (kept: Kept<Verdict, Effect>, url: URL) => Response): Handler =>
    (_request, url, [id]) => {
      const kept = this.kept.find(({ shown }) => shown.id === id);
      return kept ? act(kept, url) : missing();
    };

  #deed =
    (
      state: BulkImport["state"],
      act: (kept: Kept<Verdict, Effect>, request: Request) => Response | Promise<Response>,
    ): Handler =>
    (request, _url, [id]) => {
      const kept = this.kept.find(({ shown }) => shown.id === id);
      if (!kept) return missing();
      if (kept.shown.created_by.id !== this.#self().id) return forbidden();
      const stale = staleness(request, kept.shown.version);
      if (stale) return stale;
      if (kept.shown.state !== state) return refuse(409, "import-busy", "The import is not there yet or has gone on.");
      return act(kept, request);
    };

  #broken(
    kept: Kept<Verdict, Effect>,
    step: NonNullable<BulkImport["error"]>["step"],
    why: BrokenOff,
    change: Partial<BulkImport>,
  ): void {
    this.#change(kept, { ...change, error: { step, ...why } });
  }

  #change(kept: Kept<Verdict, Effect>, change: Partial<BulkImport>): Response {
    Object.assign(kept.shown, change, { version: kept.shown.version + 1 });
    return json(kept.shown, 202);
  }

  async #receive(request: Request, url: URL): Promise<Response> {
    const format = FORMATS[request.headers.get("content-type") ?? ""];
    if (!format) return refuse(415, "unsupported-media-type", "Unsupported media type");
    const text = await request.text();
    if (text.length > MOST_BYTES) return refuse(413, "payload-too-large", "Too large");
    const table = readTable(text, this.#subject.means);
    const shown: BulkImport = {
      id: `import-${this.kept.length + 1}`,
      kind: this.#subject.kind,
      file_name: url.searchParams.get("file_name") ?? "",
      format,
      state: "checking",
      job_id: "",
      encoding: null,
      rows: 0,
      counts: { create: 0, update: 0, unchanged: 0, faulty: 0 },
      columns: [],
      fields: this.#subject.fields,
      truncated_errors: false,
      error: null,
      created_at: new Date().toISOString(),
      created_by: { id: this.#self().id, name: this.#self().name },
      applied_at: null,
      undone_at: null,
      undo: null,
      version: 1,
    };
    const kept: Kept<Verdict, Effect> = { shown, table, verdicts: [], faults: [], effects: [] };
    this.kept.unshift(kept);
    return this.#check(kept);
  }

  #check(kept: Kept<Verdict, Effect>): Response {
    const { table } = kept;
    const check = () => {
      if (!table) {
        const detail = "The file is no table: its first row does not name columns.";
        this.#change(kept, { state: "failed", error: { step: "checking", code: "unreadable-file", detail } });
        return null;
      }
      Object.assign(kept, this.#subject.judge(table));
      const number = (kind: string) => kept.verdicts.filter((verdict) => verdict.kind === kind).length;
      this.#change(kept, {
        state: "checked",
        encoding: this.encoding,
        rows: table.rows.length,
        columns: table.columns,
        counts: {
          create: number("create"),
          update: number("update"),
          unchanged: number("unchanged"),
          faulty: new Set(kept.faults.map(({ row }) => row)).size,
        },
      });
      return null;
    };
    const job = this.jobs.start(`${this.#subject.module}.check_import`, table?.rows.length ?? 0, check, (_done, why) =>
      this.#broken(kept, "checking", why, { state: "failed" }),
    );
    return this.#change(kept, { state: "checking", job_id: job.id, error: null });
  }

  async #map(kept: Kept<Verdict, Effect>, request: Request): Promise<Response> {
    const { mapping } = (await request.json()) as { mapping: ImportMapping };
    for (const column of kept.table?.columns ?? [])
      if (column.name in mapping) column.field = mapping[column.name] ?? null;
    Object.assign(kept.shown, { rows: 0, counts: { create: 0, update: 0, unchanged: 0, faulty: 0 } });
    return this.#check(kept);
  }

  #apply(kept: Kept<Verdict, Effect>): Response {
    const good = kept.verdicts.filter(({ kind }) => kind !== "unchanged");
    const { counts: before } = kept.shown;
    const take = (verdicts: Verdict[]): Partial<BulkImport> => {
      for (const verdict of verdicts) {
        kept.effects.push(...this.#subject.take(verdict, `imported-${kept.shown.id}-${kept.effects.length}`));
      }
      const number = (wanted: string) => verdicts.filter(({ kind }) => kind === wanted).length;
      const counts = { ...kept.shown.counts, create: number("create"), update: number("update") };
      return { state: "applied", applied_at: new Date().toISOString(), counts };
    };
    const job = this.jobs.start(
      `${this.#subject.module}.apply_import`,
      good.length,
      () => {
        this.#change(kept, take(good));
        return null;
      },
      (done, why) =>
        this.#broken(
          kept,
          "applying",
          why,
          done > 0 ? take(good.slice(0, done)) : { state: "checked", counts: before },
        ),
    );
    const counts = { ...before, create: 0, update: 0 };
    return this.#change(kept, { state: "applying", job_id: job.id, error: null, counts });
  }

  #undo(kept: Kept<Verdict, Effect>): Response {
    const left = kept.effects.slice(kept.shown.undo ? kept.shown.undo.undone + kept.shown.undo.kept : 0);
    const job = this.jobs.start(
      `${this.#subject.module}.undo_import`,
      left.length,
      () => {
        this.#change(kept, { state: "undone", undone_at: new Date().toISOString(), undo: this.#takeBack(kept, left) });
        return null;
      },
      (done, why) =>
        this.#broken(kept, "undoing", why, { state: "applied", undo: this.#takeBack(kept, left.slice(0, done)) }),
    );
    return this.#change(kept, { state: "undoing", job_id: job.id, error: null });
  }

  /** How many by now. */
  #takeBack({ shown }: Kept<Verdict, Effect>, effects: Effect[]): BulkImport["undo"] {
    const untouched = this.#subject.takeBack(effects);
    return {
      undone: (shown.undo?.undone ?? 0) + untouched,
      kept: (shown.undo?.kept ?? 0) + effects.length - untouched,
    };
  }
}
