/** Exports of contacts as the app makes them: a job, then a file. */
import { type Handler, json, missing } from "./answers.ts";
import type { FakeCrm } from "./fake-crm.ts";
import type { FakeJobs } from "./fake-jobs.ts";

export class FakeExports {
  #crm: FakeCrm;
  #jobs: FakeJobs;
  #files: string[] = [];

  constructor(crm: FakeCrm, jobs: FakeJobs) {
    this.#crm = crm;
    this.#jobs = jobs;
  }

  get routes(): [RegExp, Handler][] {
    return [
      [/^POST \/api\/v1\/people-exports$/, (_request, url) => this.#begin(url)],
      [/^GET \/api\/v1\/people-exports\/([^/]+)$/, (_request, _url, [id]) => this.#file(Number(id))],
    ];
  }

  #begin(url: URL): Response {
    const found = this.#crm.found(url);
    const job = this.#jobs.start("crm.export_people", found.length, () => {
      const lines = found.map(({ name, emails }) => `${name},${emails.join("; ")}`);
      this.#files.push(["Name,Email addresses", ...lines].join("\r\n"));
      return `/api/v1/people-exports/${this.#files.length}`;
    });
    const format = url.searchParams.get("format");
    return json({ id: job.id, job_id: job.id, format, created_at: new Date().toISOString() }, 202);
  }

  #file(number: number): Response {
    const text = this.#files[number - 1];
    if (text === undefined) return missing();
    const headers = { "content-type": "text/csv", "content-disposition": 'attachment; filename="contacts.csv"' };
    return new Response(text, { headers });
  }
}
