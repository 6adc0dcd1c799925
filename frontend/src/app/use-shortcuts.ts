/** Single-key shortcuts. They can be switched off (WCAG 2.1.4) and never act while someone types or a dialog is open. */
import { useEffect, useRef, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";
import { type Right, useSession } from "@/shared/api/session";

const OFF = "rooftree.shortcuts-off";
const SEQUENCE_MS = 1200;
const listeners = new Set<() => void>();

const areOn = (): boolean => localStorage.getItem(OFF) === null;

export function setShortcuts(on: boolean): void {
  if (on) localStorage.removeItem(OFF);
  else localStorage.setItem(OFF, "1");
  for (const listener of listeners) listener();
}

export const useShortcutsOn = (): boolean =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, areOn);

interface Shortcut {
  keys: string[];
  words: string;
  to?: string;
  /** Left out: everyone who is signed in. */
  needs?: Right;
}

const SHORTCUTS: Shortcut[] = [
  { keys: ["/"], words: "Search listings" },
  { keys: ["g", "l"], words: "Go to listings", to: "/listings" },
  { keys: ["g", "c"], words: "Go to contacts", to: "/contacts", needs: "leads.work" },
  { keys: ["g", "b"], words: "Go to the board", to: "/contacts/board", needs: "leads.work" },
  { keys: ["g", "i"], words: "Go to the inbox", to: "/inbox", needs: "leads.work" },
  { keys: ["g", "t"], words: "Go to tasks", to: "/tasks", needs: "leads.work" },
  { keys: ["g", "f"], words: "Go to feeds", to: "/feeds", needs: "feeds.manage" },
  { keys: ["g", "p"], words: "Go to people", to: "/people", needs: "users.manage" },
  { keys: ["g", "o"], words: "Go to offices", to: "/offices", needs: "users.manage" },
  { keys: ["g", "a"], words: "Go to your account", to: "/account" },
  { keys: ["?"], words: "Show these shortcuts" },
];

/** Those that lead where the person may go. */
export function useOwnShortcuts(): Shortcut[] {
  const { can } = useSession();
  return SHORTCUTS.filter(({ needs }) => needs === undefined || can.includes(needs));
}

function isElsewhere(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return true;
  if (document.querySelector("dialog[open], [role=menu]")) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName);
}

const focusSearch = (): boolean => {
  const box = document.querySelector<HTMLInputElement>("[data-search]");
  box?.focus();
  box?.select();
  return box !== null;
};

export function useShortcuts(onHelp: () => void): void {
  const navigate = useNavigate();
  const shortcuts = useOwnShortcuts();
  const latest = useRef({ onHelp, shortcuts });
  useEffect(() => {
    latest.current = { onHelp, shortcuts };
  });
  useEffect(() => {
    let goSince = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (!areOn() || isElsewhere(event)) return;
      const isSecond = event.timeStamp - goSince < SEQUENCE_MS;
      goSince = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
      const target = isSecond && latest.current.shortcuts.find(({ to, keys }) => to && keys[1] === event.key)?.to;
      if (target) void navigate(target);
      else if (event.key === "?") latest.current.onHelp();
      else if (event.key === "/") {
        event.preventDefault();
        if (!focusSearch()) void navigate("/listings", { state: { focus: "[data-search]" } });
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);
}
