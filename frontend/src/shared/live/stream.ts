/**
 * The one stream of changes of this window (server-sent events). It is open while a page follows it and somebody is
 * about: a page that nobody looks at, or has touched for a while, hears nothing and keeps nothing awake; looked at again
 * it reads everything anew. Where the stream cannot be had, pages ask again and again as they do without it.
 */

/** `ids` empty: many. */
export interface Change {
  resource: string;
  ids: string[];
  data?: Record<string, unknown>;
}

export interface Listener {
  onChange(change: Change): void;
  /** Something may have been missed. */
  onReset(): void;
  /** Whether changes arrive. */
  onState(): void;
}

const IDLE_MS = 15 * 60_000;
const HIDDEN_MS = 60_000;
const LINGER_MS = 5_000;
const SILENT_MS = 45_000;
const AGAIN_MS = 30_000;
const SIGNS = ["pointerdown", "keydown", "wheel", "touchmove", "focus"] as const;

const listeners = new Set<Listener>();
let source: EventSource | undefined;
let live = false;
const timers: Record<"idle" | "hidden" | "linger" | "silent" | "again", number | undefined> = {
  idle: undefined,
  hidden: undefined,
  linger: undefined,
  silent: undefined,
  again: undefined,
};

const restart = (name: keyof typeof timers, after: number, work: () => void) => {
  window.clearTimeout(timers[name]);
  timers[name] = window.setTimeout(work, after);
};
const stop = (...names: (keyof typeof timers)[]) => {
  for (const name of names) window.clearTimeout(timers[name]);
};

export const isLive = () => live;

function setLive(value: boolean): void {
  if (live === value) return;
  live = value;
  for (const { onState } of listeners) onState();
}

const reset = () => {
  for (const { onReset } of listeners) onReset();
};

/** Comes back by itself after a while, if it should. */
function close(after?: number): void {
  source?.close();
  source = undefined;
  stop("silent", "again");
  setLive(false);
  if (after !== undefined) restart("again", after, open);
}

function heard(): void {
  setLive(true);
  // A connection that died without a word is told by the lack of beats.
  restart("silent", SILENT_MS, () => close(0));
}

function open(): void {
  if (source || listeners.size === 0 || document.hidden || typeof EventSource === "undefined") return;
  const opened = new EventSource("/api/v1/stream");
  source = opened;
  // What happened before it began was missed, be it since the last one or since the page's first reading.
  let isBehind = true;
  const on = (name: string, work: (event: MessageEvent<string>) => void) =>
    opened.addEventListener(name, (event) => {
      heard();
      work(event as MessageEvent<string>);
    });
  on("hello", () => {
    // The browser's own new connection goes on where the last one was cut off; one of ours does not.
    if (isBehind) reset();
    isBehind = false;
  });
  on("reset", () => {
    isBehind = false;
    reset();
  });
  on("beat", () => {});
  on("change", (event) => {
    const change = JSON.parse(event.data) as Change;
    for (const { onChange } of listeners) onChange(change);
  });
  on("bye", () => {
    close(AGAIN_MS);
    reset(); // which finds out that the session has ended
  });
  opened.addEventListener("error", () => {
    setLive(false);
    if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
    close(AGAIN_MS);
  });
}

function onSign(): void {
  restart("idle", IDLE_MS, close);
  open();
}

function onVisibility(): void {
  stop("hidden");
  if (document.hidden) restart("hidden", HIDDEN_MS, close);
  else onSign();
}

function begin(): void {
  for (const sign of SIGNS) window.addEventListener(sign, onSign, { capture: true, passive: true });
  document.addEventListener("visibilitychange", onVisibility);
  onSign();
}

function end(): void {
  for (const sign of SIGNS) window.removeEventListener(sign, onSign, { capture: true });
  document.removeEventListener("visibilitychange", onVisibility);
  close();
  stop("idle", "hidden");
}

/** Until the function that it gives is called. */
export function follow(listener: Listener): () => void {
  stop("linger");
  const isFirst = listeners.size === 0;
  listeners.add(listener);
  if (isFirst && !source) begin();
  return () => {
    listeners.delete(listener);
    // From page to page the stream stays.
    if (listeners.size === 0) restart("linger", LINGER_MS, end);
  };
}
