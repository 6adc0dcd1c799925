import type { BulkImport } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";

type Kind = keyof BulkImport["counts"];

/** Each with its colour in the bar, and its words before and after the import. */
const KINDS: { kind: Kind; colour: string; before: string; after: string; hint: string }[] = [
  { kind: "create", colour: "bg-brand", before: "New", after: "Added", hint: "Nobody has the address or number yet" },
  {
    kind: "update",
    colour: "bg-on-info-soft",
    before: "To be completed",
    after: "Completed",
    hint: "Known; what is empty is filled in, nothing is replaced",
  },
  { kind: "unchanged", colour: "bg-control", before: "Unchanged", after: "Unchanged", hint: "Known with all of this" },
  { kind: "faulty", colour: "bg-bad", before: "Faulty", after: "Left out", hint: "Left out; the others do not wait" },
];

/** How many rows do what, as a bar and in figures. */
export function Figures({ found: { counts, state } }: { found: BulkImport }) {
  const all = KINDS.reduce((sum, { kind }) => sum + counts[kind], 0);
  const isDone = state === "applied" || state === "undoing" || state === "undone";
  return (
    <div className="grid gap-4">
      <div aria-hidden className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {KINDS.filter(({ kind }) => counts[kind] > 0).map(({ kind, colour }) => (
          <div key={kind} className={cn("min-w-1", colour)} style={{ flexGrow: counts[kind] / all }} />
        ))}
      </div>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-4 lg:grid-cols-4">
        {KINDS.map(({ kind, colour, before, after, hint }) => (
          <div key={kind} className="flex min-w-0 flex-col">
            <dt className="flex items-center gap-2 text-sm">
              <span aria-hidden className={cn("size-2.5 shrink-0 rounded-full", colour)} />
              {isDone ? after : before}
            </dt>
            <dd className="font-semibold text-2xl tabular-nums">{count(counts[kind])}</dd>
            <dd className="text-ink-soft text-xs">{hint}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
