import { type RefObject, useEffect, useRef } from "react";
import { useLocation } from "react-router";

/** A navigation may name what is to have the focus after it (`state.focus`, a selector). */
const focusWanted = (state: unknown): string | undefined =>
  typeof state === "object" && state !== null && "focus" in state ? String(state.focus) : undefined;

/**
 * After a change of page the focus moves to its heading, and back to the link that was followed when one returns to a
 * list; the title is announced. A change within a page (filters) leaves the focus alone.
 */
export function useRouteFocus(announcer: RefObject<HTMLElement | null>): void {
  const { pathname, state } = useLocation();
  const wanted = focusWanted(state);
  const last = useRef(pathname);
  // By page and not by address: filters are in use before the router has them in the address.
  const followed = useRef(new Map<string, string>());

  useEffect(() => {
    const remember = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a[id]") : null;
      if (link) followed.current.set(last.current, link.id);
    };
    document.addEventListener("click", remember, { capture: true });
    return () => document.removeEventListener("click", remember, { capture: true });
  }, []);

  useEffect(() => {
    const before = last.current;
    last.current = pathname;
    if (before === pathname) return;
    const asked = wanted && document.querySelector<HTMLElement>(wanted);
    const link = document.getElementById(followed.current.get(pathname) ?? "");
    const target = asked || link || document.querySelector<HTMLElement>("h1") || document.getElementById("main");
    target?.focus({ preventScroll: true });
    if (announcer.current) announcer.current.textContent = document.title;
  }, [pathname, wanted, announcer]);
}
