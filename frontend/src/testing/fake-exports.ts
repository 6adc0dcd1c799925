/** Exports as the app makes them: a job, then a file. */
import { type Handler, json, missing } from "./answers.ts";
import type { FakeJobs } from "./fake-jobs.ts";
import type { FakeSubject } from "./tables.ts";

type Exported = Pick<FakeSubject<never, never>, "path" | "module" | "records" | "exported">;

export class FakeExports {
  #subject: Exported;
  #jobs: FakeJobs;
  #files: string[] = [];

  constructor(subject: Exported, jobs: FakeJobs) {
    this.#subject = subject;
    this.#jobs = jobs;
  }

  get routes(): [RegExp, Handler][] {
    const path = `/api/v1/${this.#subject.path}-exports`;
    return [
      [new RegExp(`^POST ${path}$`), (_request, url) => this.#begin(url)],
      [new RegExp(`^GET ${path}/([^/]+)$`), (_request, _url, [id]) => this.#file(Number(id))],
    ];
  }

  #begin(url: URL): Response {
    const { path, module, records } = this.#subject;
    const lines = this.#subject.exported(url);
    const job = this.#jobs.start(`${module}.export_${records}`, lines.length - 1, () => {
      this.#files.push(lines.join("\r\n"));
      return `/api/v1/${path}-exports/${this.#files.length}`;
    });
    const format = url.searchParams.get("format");
    return json({ id: job.id, job_id: job.id, format, created_at: new Date().toISOString() }, 202);
  }

  #file(number: number): Response {
    const text = this.#files[number - 1];
    if (text === undefined) return missing();
    const disposition = `attachment; filename="${this.#subject.records}.csv"`;
    return new Response(text, { headers: { "content-type": "text/csv", "content-disposition": disposition } });
  }
}
