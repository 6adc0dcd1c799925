import { UsersRound } from "lucide-react";
import { useTenant } from "@/shared/api/tenant";
import { clock, moment } from "@/shared/lib/format";
import { Button } from "@/shared/ui/button";
import { useAgents } from "./agents";
import type { News } from "./draft-state";
import { type EditName, labelOf } from "./fields";
import { shown } from "./notation";
import type { Conflict } from "./rebase";
import { goToField, useDraft, useDraftState } from "./use-draft";
import type { Value } from "./values";

/** "today" needs no date. */
function whenOf(at: string, zone: string): string {
  const isRecent = Date.now() - Date.parse(at) < 12 * 3_600_000;
  return isRecent ? clock(at, zone) : moment(at, zone);
}

/** Another changed the listing meanwhile: who, when and what, and where it is the same field, both versions to choose from. */
export function ConflictNotice() {
  const draft = useDraft();
  const { conflicts, news } = useDraftState();
  const { time_zone: zone } = useTenant();
  const names = Object.keys(conflicts) as EditName[];
  if (!news && names.length === 0) return null;
  const who = news?.by ?? "Someone else";
  return (
    <section
      id="conflict"
      tabIndex={-1}
      aria-labelledby="conflict-title"
      className="card border-control p-4 shadow-lift sm:p-5"
    >
      <div className="flex items-start gap-3">
        <UsersRound className="mt-0.5 size-5 shrink-0 text-brand" aria-hidden />
        <div className="min-w-0 flex-1" role="alert">
          <h2 id="conflict-title" className="font-semibold">
            {who} changed this listing{news?.at ? ` at ${whenOf(news.at, zone)}` : " meanwhile"}
          </h2>
          <p className="text-ink-soft text-sm">
            {names.length > 0
              ? "Where you both edited the same field, choose which to keep. Your text stays here until then."
              : "Your own edits are not affected."}
          </p>
        </div>
        {names.length === 0 && (
          <Button look="quiet" size="small" onClick={() => draft.dismissNews()}>
            Dismiss
          </Button>
        )}
      </div>
      {names.length > 0 && (
        <ul className="mt-4 grid gap-4">
          {names.map((name) => (
            <Choice key={name} name={name} who={who} conflict={conflicts[name]} />
          ))}
        </ul>
      )}
      {names.length > 1 && (
        <div className="mt-4 flex flex-wrap gap-2 border-line border-t pt-4">
          <Button size="small" onClick={() => names.map((name) => draft.keepMine(name))}>
            Keep all of mine
          </Button>
          <Button look="secondary" size="small" onClick={() => names.map((name) => draft.takeTheirs(name))}>
            Take all of theirs
          </Button>
        </div>
      )}
      {news && <Others news={news} />}
    </section>
  );
}

/** People are written by their names. */
function useShown(): (name: EditName, value: Value) => string {
  const { agents } = useAgents();
  return (name, value) =>
    name === "list_agent_id" && value !== null
      ? (agents.find(({ id }) => id === value)?.name ?? "Another person")
      : shown(name, value);
}

function Choice({ name, who, conflict }: { name: EditName; who: string; conflict: Conflict | undefined }) {
  const draft = useDraft();
  const label = labelOf(name);
  const decide = (how: "keepMine" | "takeTheirs") => {
    draft[how](name);
    goToField(name);
  };
  return (
    <li>
      <h3 className="mb-1.5 font-medium text-sm">{label}</h3>
      <div className="grid gap-3 sm:grid-cols-2">
        <Side title="Yours" name={name} value={draft.value(name)}>
          <Button size="small" onClick={() => decide("keepMine")}>
            Keep mine<span className="sr-only">: {label}</span>
          </Button>
        </Side>
        <Side title={who === "Someone else" ? "Theirs" : `${who}’s`} name={name} value={conflict?.theirs ?? null}>
          <Button look="secondary" size="small" onClick={() => decide("takeTheirs")}>
            Take theirs<span className="sr-only">: {label}</span>
          </Button>
        </Side>
      </div>
    </li>
  );
}

interface SideProps {
  title: string;
  name: EditName;
  value: Value;
  children: React.ReactNode;
}

function Side({ title, name, value, children }: SideProps) {
  const show = useShown();
  return (
    <div className="flex min-w-0 flex-col rounded-lg border border-line bg-canvas p-3">
      <p className="text-ink-soft text-xs">{title}</p>
      <p className="mt-0.5 mb-3 max-h-60 flex-1 overflow-y-auto whitespace-pre-line break-words">{show(name, value)}</p>
      <div>{children}</div>
    </div>
  );
}

/** What the other changed elsewhere, which is in the form already. */
function Others({ news }: { news: News }) {
  const show = useShown();
  const changes = Object.entries(news.changes) as [EditName, NonNullable<News["changes"][EditName]>][];
  if (changes.length === 0) return null;
  return (
    <div className="mt-4 border-line border-t pt-3 text-sm">
      <p className="text-ink-soft">Changed and already shown here:</p>
      <ul className="mt-1 grid gap-1">
        {changes.map(([name, { from, to }]) => (
          <li key={name} className="line-clamp-2 break-words">
            <span className="font-medium">{labelOf(name)}</span>: <s className="text-ink-soft">{show(name, from)}</s>{" "}
            <span className="sr-only">became</span>
            <span aria-hidden>→</span> {show(name, to)}
          </li>
        ))}
      </ul>
    </div>
  );
}
