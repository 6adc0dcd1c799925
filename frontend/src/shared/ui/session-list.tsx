import { Monitor, Smartphone } from "lucide-react";
import type { ReactNode } from "react";
import { useTenant } from "@/shared/api/tenant";
import type { BrowserSession } from "@/shared/api/types";
import { moment } from "@/shared/lib/format";
import { Badge } from "./badge";

interface SessionListProps {
  sessions: BrowserSession[];
  /** What can be done with one of them. */
  actionOf?: (session: BrowserSession) => ReactNode;
}

/** Browsers in which someone is signed in. */
export function SessionList({ sessions, actionOf }: SessionListProps) {
  const { time_zone: zone } = useTenant();
  return (
    <ul className="divide-y divide-line">
      {sessions.map((session) => {
        const Icon = /iphone|ipad|android/i.test(session.user_agent ?? "") ? Smartphone : Monitor;
        return (
          <li key={session.id} className="flex items-center gap-3.5 py-3">
            <Icon className="size-5 shrink-0 text-ink-soft phone:self-start" aria-hidden />
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
                <span className="break-words font-medium">{session.user_agent || "Unknown browser"}</span>
                {session.is_current && <Badge tone="good">This browser</Badge>}
              </p>
              <p className="text-ink-soft text-sm">
                Last used {moment(session.used_at, zone)} · signed in {moment(session.created_at, zone)}
              </p>
            </div>
            {actionOf?.(session)}
          </li>
        );
      })}
    </ul>
  );
}
