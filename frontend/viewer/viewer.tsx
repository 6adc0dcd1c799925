/** The dashboards without Grafana: drawn from the same JSON, over a Prometheus. */
import { useQuery } from "@tanstack/react-query";
import { goTo, useAddress, writeAddress } from "./address";
import { Bar } from "./bar";
import { type Look, useLook } from "./look";
import { type Dashboard, sectionsOf } from "./model";
import { PanelCard } from "./panel-card";

async function boards(): Promise<Dashboard[]> {
  const answer = await fetch("/dashboards.json");
  if (!answer.ok) throw new Error(`The dashboards cannot be read: ${answer.status}.`);
  return answer.json();
}

export function Viewer() {
  const address = useAddress();
  const { data, error } = useQuery({ queryKey: ["boards"], queryFn: boards, staleTime: Number.POSITIVE_INFINITY });
  if (error) return <Problem words={error.message} />;
  if (!data) return <p className="p-6 text-ink-soft">Reading the dashboards…</p>;
  const board = data.find(({ uid }) => uid === address.uid) ?? (address.uid === "" ? data[0] : undefined);
  if (!board) return <Problem words={`There is no dashboard ${address.uid}.`} />;
  return <Board key={board.uid} board={board} boards={data} />;
}

function Problem({ words }: { words: string }) {
  return (
    <main className="mx-auto max-w-2xl p-6">
      <p role="alert" className="text-bad">
        {words}
      </p>
      <a className="mt-4 inline-block text-brand underline" href="/">
        All dashboards
      </a>
    </main>
  );
}

function Board({ board, boards }: { board: Dashboard; boards: Dashboard[] }) {
  const address = useAddress();
  const look = useLook(board, address);
  const go = (changes: Partial<typeof address>) => goTo(writeAddress({ ...address, uid: board.uid, ...changes }));
  return (
    <>
      <Bar board={board} boards={boards} look={look} onGo={go} />
      <main className="p-3 sm:p-4">
        <title>{board.title}</title>
        <p className="mb-3 max-w-prose text-ink-soft text-sm">{board.description}</p>
        {look.missing ? <p className="text-ink-soft">{look.missing}</p> : <Sections board={board} look={look} />}
      </main>
    </>
  );
}

function Sections({ board, look }: { board: Dashboard; look: Look }) {
  return sectionsOf(board).map(({ title, panels }) => (
    <section key={title} className="mb-5">
      <h2 className="mb-2 font-semibold text-lg">{title}</h2>
      <div className="board">
        {panels.map((panel) => (
          <PanelCard key={panel.id} panel={panel} look={look} />
        ))}
      </div>
    </section>
  ));
}
