import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { resetSignInAgain } from "@/shared/lib/sign-in-again";

// A deadline, not a pause: generous, because other work shares the machine.
configure({ asyncUtilTimeout: 5_000 });

export const server = setupServer();

// jsdom lays nothing out: what the pages ask of the browser about layout is answered here.
window.scrollTo = () => {};
Element.prototype.scrollIntoView = () => {};
Element.prototype.hasPointerCapture = () => false;
// No graphics processor here: pages show what they show without a map, unless a test brings its own.
HTMLCanvasElement.prototype.getContext = (() => null) as typeof HTMLCanvasElement.prototype.getContext;
/** Every window is wide, light and lively, as `(width >= 64rem)` asks. */
window.matchMedia = (media) =>
  Object.assign(new EventTarget(), {
    media,
    matches: media.startsWith("(width >="),
    onchange: null,
    addListener() {},
    removeListener() {},
  });
globalThis.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
HTMLDialogElement.prototype.showModal ??= function showModal(this: HTMLDialogElement) {
  this.setAttribute("open", "");
};
HTMLDialogElement.prototype.close ??= function close(this: HTMLDialogElement) {
  this.removeAttribute("open");
};

beforeAll(() => server.listen({ onUnhandledFrame: "error" }));
afterEach(() => {
  cleanup();
  server.resetHandlers();
  localStorage.clear();
  sessionStorage.clear();
  delete document.documentElement.dataset.theme;
  resetSignInAgain();
  vi.restoreAllMocks();
});
afterAll(() => server.close());
