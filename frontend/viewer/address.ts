/** What is looked at, in the address, as Grafana has it: `/d/rooftree-tenant?var-tenant=acme-1&from=now-1h&to=now`. */
import { useSyncExternalStore } from "react";

const CHANGED = "viewer:address";

export interface Address {
  uid: string;
  from: string | null;
  to: string | null;
  /** Chosen values by the names of variables. */
  chosen: Record<string, string[]>;
}

export function readAddress({ pathname, search }: { pathname: string; search: string }): Address {
  const parameters = new URLSearchParams(search);
  const chosen: Record<string, string[]> = {};
  for (const [name, value] of parameters) {
    if (!name.startsWith("var-") || value === "" || value === "$__all") continue;
    const variable = name.slice(4);
    chosen[variable] = [...(chosen[variable] ?? []), value];
  }
  const [, uid = ""] = /^\/d\/([\w-]+)/.exec(pathname) ?? [];
  return { uid, from: parameters.get("from"), to: parameters.get("to"), chosen };
}

export function writeAddress({ uid, from, to, chosen }: Address): string {
  const parameters = new URLSearchParams();
  for (const [name, values] of Object.entries(chosen))
    for (const value of values) parameters.append(`var-${name}`, value);
  if (from) parameters.set("from", from);
  if (to) parameters.set("to", to);
  const asked = parameters.toString();
  return `/d/${uid}${asked && `?${asked}`}`;
}

export function goTo(address: string): void {
  window.history.pushState(null, "", address);
  window.dispatchEvent(new Event(CHANGED));
}

function subscribe(listener: () => void): () => void {
  for (const event of ["popstate", CHANGED]) window.addEventListener(event, listener);
  return () => {
    for (const event of ["popstate", CHANGED]) window.removeEventListener(event, listener);
  };
}

/** The address now; follows changes. */
export function useAddress(): Address {
  const text = useSyncExternalStore(subscribe, () => `${window.location.pathname}${window.location.search}`);
  const [pathname = "", search = ""] = text.split("?");
  return readAddress({ pathname, search });
}
