import type { BulkImport } from "@/shared/api/types";
import { cn } from "@/shared/lib/cn";
import { count } from "@/shared/lib/format";
import { type Figure, useSubject } from "./subject";

type Kind = keyof BulkImport["counts"];

/** In the bar. */
const COLOURS: Record<Kind, string> = {
  create: "bg-brand",
  update: "bg-on-info-soft",
  unchanged: "bg-control",
  faulty: "bg-bad",
};
const KINDS = Object.keys(COLOURS) as Kind[];

const FAULTY: Record<"before" | "after", Figure> = {
  before: ["Faulty", "Left out; the others do not wait"],
  after: ["Left out", "Faulty; see below"],
};

/** How many rows do what, as a bar and in figures. */
export function Figures({ found: { counts, state, rows } }: { found: BulkImport }) {
  const { figures } = useSubject();
  const told = KINDS.reduce((sum, kind) => sum + counts[kind], 0);
  const all = Math.max(rows, told);
  const when = ["applying", "applied", "undoing", "undone"].includes(state) ? "after" : "before";
  const shown = KINDS.map((kind) => {
    const [name, explanation] = (kind === "faulty" ? FAULTY : figures[kind])[when];
    return { kind, name, explanation, rows: counts[kind] };
  });
  return (
    <div className="grid gap-4">
      <div aria-hidden className="flex h-3 gap-0.5 overflow-hidden rounded-full bg-sunken">
        {shown
          .filter(({ rows }) => rows > 0)
          .map(({ kind, rows }) => (
            <div key={kind} className={cn("min-w-1", COLOURS[kind])} style={{ flexGrow: rows / all }} />
          ))}
      </div>
      <dl className="grid grid-cols-2 gap-x-4 gap-y-4 lg:grid-cols-4">
        {shown.map(({ kind, name, explanation, rows }) => (
          <div key={kind} className="flex min-w-0 flex-col">
            <dt className="flex items-center gap-2 text-sm">
              <span aria-hidden className={cn("size-2.5 shrink-0 rounded-full", COLOURS[kind])} />
              {name}
            </dt>
            <dd className="font-semibold text-2xl tabular-nums">{count(rows)}</dd>
            <dd className="text-ink-soft text-xs">{explanation}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
