/** The theme a person chose. `public/theme.js` applies the stored choice before first paint; CSS does the rest. */
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "rooftree.theme";
const listeners = new Set<() => void>();

const isExplicit = (value: string | null): value is "light" | "dark" => value === "light" || value === "dark";

function read(): Theme {
  const stored = localStorage.getItem(KEY);
  return isExplicit(stored) ? stored : "system";
}

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function setTheme(theme: Theme): void {
  if (theme === "system") localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, theme);
  apply(theme);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  const onStorage = (event: StorageEvent) => {
    if (event.key !== KEY) return;
    apply(read());
    listener();
  };
  listeners.add(listener);
  window.addEventListener("storage", onStorage);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", onStorage);
  };
}

export const useTheme = (): Theme => useSyncExternalStore(subscribe, read);
