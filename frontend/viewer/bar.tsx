/** What is chosen: dashboard, variables, time, theme. */
import { RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import { setTheme, type Theme, useTheme } from "@/shared/lib/theme";
import { Button } from "@/shared/ui/button";
import type { Address } from "./address";
import { addressOf } from "./expand";
import type { Look } from "./look";
import type { Dashboard } from "./model";

const TIMES: [string, string][] = [
  ["now-15m", "15 minutes"],
  ["now-30m", "30 minutes"],
  ["now-1h", "1 hour"],
  ["now-6h", "6 hours"],
  ["now-24h", "24 hours"],
  ["now-3d", "3 days"],
];

interface BarProps {
  board: Dashboard;
  boards: Dashboard[];
  look: Look;
  onGo: (changes: Partial<Address>) => void;
}

export function Bar({ board, boards, look, onGo }: BarProps) {
  const theme = useTheme();
  const times = TIMES.some(([from]) => from === look.from) ? TIMES : [[look.from, look.from], ...TIMES];
  return (
    <header className="top-0 z-10 flex flex-wrap items-end gap-3 border-b bg-surface px-3 py-2 sm:sticky sm:px-4">
      <h1 className="me-auto self-center font-semibold text-lg">{board.title}</h1>
      <Links board={board} look={look} />
      <Choice label="Dashboard" value={board.uid} onChoose={(uid) => onGo({ uid })}>
        {boards.map(({ uid, title }) => (
          <option key={uid} value={uid}>
            {title.replace("Rooftree / ", "")}
          </option>
        ))}
      </Choice>
      {look.variables.map(({ variable, options, chosen }) => (
        <Choice
          key={variable.name}
          label={variable.label ?? variable.name}
          value={chosen.length === 1 ? (chosen[0] ?? "") : ""}
          onChoose={(value) => onGo({ chosen: { [variable.name]: value ? [value] : [] } })}
        >
          {variable.includeAll && <option value="">{chosen.length > 1 ? `${chosen.length} chosen` : "All"}</option>}
          {[...new Set([...options, ...chosen])].map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </Choice>
      ))}
      <Choice label="Time" value={look.from} onChoose={(from) => onGo({ from, to: "now" })}>
        {times.map(([from, words]) => (
          <option key={from} value={from}>
            {words}
          </option>
        ))}
      </Choice>
      <Choice label="Theme" value={theme} onChoose={(value) => setTheme(value as Theme)}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </Choice>
      <Button look="secondary" size="icon" aria-label="Look again" onClick={look.again}>
        <RefreshCw aria-hidden />
      </Button>
    </header>
  );
}

/** Pages that are no dashboards, about what is chosen here. */
function Links({ board, look }: { board: Dashboard; look: Look }) {
  const chosen = Object.fromEntries(look.variables.map(({ variable, chosen }) => [variable.name, chosen]));
  return (board.links ?? []).map(({ type, title, tooltip, url }) => {
    const address = type === "link" && url ? addressOf(url, chosen) : null;
    return (
      address && (
        <a
          key={title}
          className="inline-flex min-h-6 items-center self-center text-brand text-sm underline underline-offset-4"
          href={address}
          title={tooltip}
        >
          {title}
        </a>
      )
    );
  });
}

interface ChoiceProps {
  label: string;
  value: string;
  onChoose: (value: string) => void;
  children: ReactNode;
}

function Choice({ label, value, onChoose, children }: ChoiceProps) {
  return (
    <label className="grid text-ink-soft text-xs">
      {label}
      <select className="field max-w-60" value={value} onChange={(event) => onChoose(event.target.value)}>
        {children}
      </select>
    </label>
  );
}
