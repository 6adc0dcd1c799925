import type { BulkImport } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";

type Kind = keyof BulkImport["counts"];

interface Look {
  kind: Kind;
  /** In the bar. */
  colour: string;
  /** Name and explanation, as long as nothing is imported and once it is. */
  before: [string, string];
  after: [string, string];
}

const LOOKS: Look[] = [
  {
    kind: "create",
    colour: "bg-brand",
    before: ["New", "Nobody whom you see has the address or number yet"],
    after: ["Added", "Nobody whom you see had the address or number"],
  },
  {
    kind: "update",
    colour: "bg-on-info-soft",
    before: [
      "To be completed",
      "Known; addresses, numbers and tags are added, an agent where there is none. Name, source and stage stay",
    ],
    after: [
      "Completed",
      "Addresses, numbers and tags were added, an agent where there was none. Name, source and stage stayed",
    ],
  },
  {
    kind: "unchanged",
    colour: "bg-control",
    before: ["Unchanged", "Known; nothing to add"],
    after: ["Unchanged", "Known; there was nothing to add"],
  },
  {
    kind: "faulty",
    colour: "bg-bad",
    before: ["Faulty", "Left out; the others do not wait"],
    after: ["Left out", "Faulty; see below"],
  },
];

/** How many rows do what, as a bar and in figures. */
export function Figures({ found: { counts, state, rows } }: { found: BulkImport }) {
  const told = LOOKS.reduce((sum, { kind }) => sum + counts[kind], 0);
  const all = Math.max(rows, told);
  const isDone = state === "applying" || state === "applied" || state === "undoing" || state === "undone";
  return (
    <div className="grid gap-4">
      <div aria-hidden className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {LOOKS.filter(({ kind }) => counts[kind] > 0).map(({ kind, colour }) => (
          <div key={kind} className={cn("min-w-1", colour)} style={{ flexGrow: counts[kind] / all }} />
        ))}
      </div>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-4 lg:grid-cols-4">
        {LOOKS.map(({ kind, colour, before, after }) => (
          <div key={kind} className="flex min-w-0 flex-col">
            <dt className="flex items-center gap-2 text-sm">
              <span aria-hidden className={cn("size-2.5 shrink-0 rounded-full", colour)} />
              {(isDone ? after : before)[0]}
            </dt>
            <dd className="font-semibold text-2xl tabular-nums">{count(counts[kind])}</dd>
            <dd className="text-ink-soft text-xs">{(isDone ? after : before)[1]}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
