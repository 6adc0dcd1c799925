/** Single-key shortcuts. They can be switched off (WCAG 2.1.4) and never act while someone types or a dialog is open. */
import { useEffect, useRef, useSyncExternalStore } from "react";
import { useNavigate } from "react-router";

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

export const SHORTCUTS = [
  { keys: ["/"], words: "Search listings" },
  { keys: ["g", "l"], words: "Go to listings" },
  { keys: ["g", "f"], words: "Go to feeds" },
  { keys: ["?"], words: "Show these shortcuts" },
];

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
  const help = useRef(onHelp);
  useEffect(() => {
    help.current = onHelp;
  });
  useEffect(() => {
    let goSince = Number.NEGATIVE_INFINITY;
    const onKey = (event: KeyboardEvent) => {
      if (!areOn() || isElsewhere(event)) return;
      const isSecond = event.timeStamp - goSince < SEQUENCE_MS;
      goSince = event.key === "g" ? event.timeStamp : Number.NEGATIVE_INFINITY;
      if (isSecond && event.key === "l") void navigate("/listings");
      else if (isSecond && event.key === "f") void navigate("/feeds");
      else if (event.key === "?") help.current();
      else if (event.key === "/") {
        event.preventDefault();
        if (!focusSearch()) void navigate("/listings", { state: { focus: "[data-search]" } });
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [navigate]);
}
