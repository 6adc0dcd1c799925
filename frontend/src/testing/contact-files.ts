/** Contacts by files: what an import does to them, how that is taken back, and what goes out. */
import { FIELDS, judge, MEANS, type Verdict } from "./contact-rules.ts";
import { type KeptContact, makeContact } from "./crm.ts";
import type { FakeCrm } from "./fake-crm.ts";
import type { FakeSubject } from "./tables.ts";

/** Whom it made has nothing before. */
interface Effect {
  id: string;
  version: number;
  before?: KeptContact;
}

function done(crm: FakeCrm, verdict: Verdict, id: string): Effect[] {
  const { name, emails, phones, source, tags, stage } = verdict.given;
  const numbers = phones.map((value) => ({ value, e164: null }));
  if (verdict.kind === "create") {
    const stage_id = crm.stages.find((each) => each.name === stage)?.id ?? "stage-0";
    const made = { id, name, emails, phones: numbers, tags, stage_id, source: source || "Import", version: 1 };
    crm.contacts.unshift(makeContact({ ...made, assigned_to: { id: crm.self.id, name: crm.self.name } }));
    return [{ id, version: 1 }];
  }
  const known = verdict.kind === "update" && crm.contacts.find((contact) => contact.id === verdict.id);
  if (!known) return [];
  const before = { ...known };
  crm.touch(known, {
    phones: known.phones.length > 0 ? known.phones : numbers,
    tags: [...new Set([...known.tags, ...tags])],
  });
  return [{ id: known.id, version: known.version, before }];
}

function takenBack(crm: FakeCrm, effects: Effect[]): number {
  const untouched = effects.filter(({ id, version }) =>
    crm.contacts.some((contact) => contact.id === id && contact.version === version),
  );
  for (const { id, before } of untouched) {
    const at = crm.contacts.findIndex((contact) => contact.id === id);
    crm.contacts.splice(at, 1, ...(before ? [{ ...before, version: before.version + 2 }] : []));
  }
  return untouched.length;
}

export const contactFiles = (crm: FakeCrm): FakeSubject<Verdict, Effect> => ({
  path: "people",
  kind: "people",
  module: "crm",
  records: "people",
  fields: FIELDS,
  means: MEANS,
  judge: (table) => judge(table, crm),
  take: (verdict, id) => done(crm, verdict, id),
  takeBack: (effects) => takenBack(crm, effects),
  exported: (url) => [
    "Name,Email addresses",
    ...crm.found(url).map(({ name, emails }) => `${name},${emails.join("; ")}`),
  ],
});
