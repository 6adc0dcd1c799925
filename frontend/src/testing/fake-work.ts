/** Notes, tasks, activities and the timeline as the app keeps them, with its refusals. */
import type { ActivityInput, TaskChange, TaskInput } from "../shared/api/types";
import { forbidden, type Handler, json, missing, nothing, page, refuseFields, staleness } from "./answers.ts";
import { type KeptEntry, makeEntries, makeEntry, makeTask } from "./crm.ts";
import type { FakeCrm } from "./fake-crm.ts";

const NOW = "2026-10-30T16:00:00Z";
const TO_CLAIM = ["lead", "assignment"];

export class FakeWork {
  /** Newest first. */
  entries: KeptEntry[] = makeEntries();
  tasks = [makeTask()];
  #crm: FakeCrm;
  #made = 0;

  constructor(crm: FakeCrm) {
    this.#crm = crm;
  }

  routes: [RegExp, Handler][] = [
    [/^GET \/api\/v1\/people\/([^/]+)\/timeline$/, (_request, url, [id]) => this.#timeline(url, id)],
    [/^POST \/api\/v1\/people\/([^/]+)\/notes$/, (request, _url, [id]) => this.#addNote(request, id)],
    [/^PATCH \/api\/v1\/notes\/([^/]+)$/, (request, _url, [id]) => this.#changeNote(request, id)],
    [/^DELETE \/api\/v1\/notes\/([^/]+)$/, (request, _url, [id]) => this.#deleteNote(request, id)],
    [/^POST \/api\/v1\/people\/([^/]+)\/activities$/, (request, _url, [id]) => this.#addActivity(request, id)],
    [/^POST \/api\/v1\/people\/([^/]+)\/tasks$/, (request, _url, [id]) => this.#addTask(request, id)],
    [/^GET \/api\/v1\/tasks$/, (_request, url) => this.#listTasks(url)],
    [/^PATCH \/api\/v1\/tasks\/([^/]+)$/, (request, _url, [id]) => this.#changeTask(request, id)],
  ];

  get #actor() {
    const { id, name } = this.#crm.self;
    return { id, name };
  }

  #timeline(url: URL, id: string | undefined): Response | Promise<Response> {
    const kinds = url.searchParams.getAll("kind");
    return this.#crm.with(
      id,
      (contact) =>
        page(
          this.entries.filter(
            ({ person_id, kind }) =>
              person_id === id &&
              (kinds.length === 0 || kinds.includes(kind)) &&
              (this.#crm.isTheirs(contact) || TO_CLAIM.includes(kind)),
          ),
          url,
        ),
      false,
    );
  }

  #add(person_id: string, entry: Partial<KeptEntry>): KeptEntry {
    this.#made += 1;
    const added = makeEntry({ id: `entry-${this.#made}`, person_id, at: NOW, actor: this.#actor, ...entry });
    this.entries.unshift(added);
    return added;
  }

  #addNote(request: Request, id: string | undefined) {
    return this.#crm.with(id, async (contact) => {
      const { text } = (await request.json()) as { text: string };
      return json(this.#add(contact.id, { kind: "note", text, version: 1 }), 201);
    });
  }

  async #changeNote(request: Request, id: string | undefined): Promise<Response> {
    const note = this.entries.find((each) => each.id === id);
    if (!note) return missing();
    if (note.actor?.id !== this.#crm.self.id) return forbidden();
    const stale = staleness(request, note.version ?? 0);
    if (stale) return stale;
    Object.assign(note, await request.json(), { version: (note.version ?? 0) + 1 });
    return json(note);
  }

  #deleteNote(request: Request, id: string | undefined): Response {
    const note = this.entries.find((each) => each.id === id);
    if (!note) return missing();
    const stale = staleness(request, note.version ?? 0);
    if (stale) return stale;
    this.entries = this.entries.filter((each) => each !== note);
    return nothing();
  }

  #addActivity(request: Request, id: string | undefined) {
    return this.#crm.with(id, async (contact) => {
      const { kind, direction, at, outcome } = (await request.json()) as ActivityInput;
      if (at && at > NOW) return refuseFields([{ pointer: "/at", detail: "What is yet to happen is a task." }]);
      const answered = this.#crm.leads.kept.filter((lead) => lead.person_id === id && direction === "outgoing");
      for (const lead of answered)
        Object.assign(lead, { state: "responded", responded_at: NOW, first_response_seconds: 60 });
      return json(this.#add(contact.id, { kind: "activity", activity: kind, direction, text: outcome }), 201);
    });
  }

  #named(id: string | null | undefined) {
    const user = this.#crm.users().find((each) => each.id === id);
    return user ? { id: user.id, name: user.name } : null;
  }

  #addTask(request: Request, id: string | undefined) {
    return this.#crm.with(id, async (contact) => {
      const { title, due_at, time_zone, assigned_to } = (await request.json()) as TaskInput;
      if (assigned_to === "agent-1")
        return refuseFields([
          { pointer: "/assigned_to", detail: "This person does not look after the one whom the task is about." },
        ]);
      this.#made += 1;
      const task = makeTask({
        id: `task-made-${this.#made}`,
        person: { id: contact.id, name: contact.name },
        title,
        due_at: due_at ?? null,
        time_zone: time_zone ?? "America/Chicago",
        assigned_to: this.#named(assigned_to ?? this.#crm.self.id),
      });
      this.tasks.push(task);
      return json(task, 201);
    });
  }

  #listTasks(url: URL): Response {
    const { state = "open", owner = "mine", person_id } = Object.fromEntries(url.searchParams);
    const found = this.tasks.filter(
      (task) =>
        (state === "open") === (task.done_at === null) &&
        (owner === "all" || task.assigned_to?.id === this.#crm.self.id) &&
        (!person_id || task.person.id === person_id),
    );
    return page(found, url);
  }

  async #changeTask(request: Request, id: string | undefined): Promise<Response> {
    const task = this.tasks.find((each) => each.id === id);
    if (!task) return missing();
    const stale = staleness(request, task.version);
    if (stale) return stale;
    const { is_done, assigned_to, ...change } = (await request.json()) as TaskChange;
    Object.assign(task, change, { version: task.version + 1 });
    if (assigned_to !== undefined) task.assigned_to = this.#named(assigned_to);
    if (is_done !== undefined) task.done_at = is_done ? NOW : null;
    if (is_done) this.#add(task.person.id, { kind: "task_done", text: task.title });
    return json(task);
  }
}
