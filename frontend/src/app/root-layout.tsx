import { useRef } from "react";
import { Outlet, ScrollRestoration } from "react-router";
import { useRouteFocus } from "./use-route-focus";

/** Around every page: where focus and scroll go when the page changes. */
export function RootLayout() {
  const announcer = useRef<HTMLParagraphElement>(null);
  useRouteFocus(announcer);
  return (
    <>
      <Outlet />
      <p ref={announcer} aria-live="polite" className="sr-only" />
      <ScrollRestoration getKey={({ pathname, search, key }) => (pathname === "/listings" ? pathname + search : key)} />
    </>
  );
}
