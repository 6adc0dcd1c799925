import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter, RouterProvider } from "react-router";
import { browser } from "@/shared/lib/browser";
import { resetSignInAgain } from "@/shared/lib/sign-in-again";
import "./app.css";
import { createQueryClient } from "./query-client";
import { addressOf, routes } from "./router";

const RELOADED = "rooftree.reloaded-at";
const RELOAD_PAUSE_MS = 30_000;

// A page's code that is gone belongs to an older release: the current one is fetched.
window.addEventListener("vite:preloadError", (event) => {
  if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < RELOAD_PAUSE_MS) return; // It is really not there.
  sessionStorage.setItem(RELOADED, String(Date.now()));
  event.preventDefault();
  browser.reload();
});

// Coming back by the back-forward cache after signing out or in: what was on the screen may not be ours any more.
window.addEventListener("pageshow", (event) => {
  resetSignInAgain();
  if (event.persisted) browser.reload();
});

const container = document.getElementById("root");
if (!container) throw new Error("index.html has no #root.");
const client = createQueryClient(() => addressOf(router));
const router = createBrowserRouter(routes(client));
createRoot(container).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
