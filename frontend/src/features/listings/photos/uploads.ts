/** The pictures that are on their way: two at a time, each with its progress, each on its own when it fails. */
import { ApiProblem, explain } from "@/shared/api/problem";
import type { Photo } from "@/shared/api/types";

const AT_ONCE = 2;
const MAX_BYTES = 20 * 1024 * 1024;
export const TYPES = ["image/jpeg", "image/png", "image/webp"];

export interface Upload {
  id: number;
  file: File;
  state: "waiting" | "sending" | "failed" | "refused";
  /** From 0 to 1. */
  progress: number;
  message?: string;
}

export type Send = (file: File, onProgress: (part: number) => void, signal: AbortSignal) => Promise<Photo>;

let lastId = 0;

/** Why a file is not worth sending. */
function refusalOf(file: File): string | undefined {
  if (!TYPES.includes(file.type)) return "Not a JPEG, PNG or WebP picture.";
  if (file.size > MAX_BYTES) return `Larger than ${MAX_BYTES / 1024 / 1024} MB.`;
  return file.size === 0 ? "The file is empty." : undefined;
}

export class Uploads {
  #all: Upload[] = [];
  #listeners = new Set<() => void>();
  #stops = new Map<number, AbortController>();
  #send: Send;
  #onDone: (photo: Photo) => void;

  constructor(send: Send, onDone: (photo: Photo) => void) {
    this.#send = send;
    this.#onDone = onDone;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  snapshot = (): readonly Upload[] => this.#all;

  get isBusy(): boolean {
    return this.#all.some(({ state }) => state === "waiting" || state === "sending");
  }

  add(files: Iterable<File>): void {
    const added = [...files].map((file): Upload => {
      const message = refusalOf(file);
      return { id: ++lastId, file, progress: 0, ...(message ? { state: "refused", message } : { state: "waiting" }) };
    });
    this.#set([...this.#all, ...added]);
    this.#next();
  }

  retry(id: number): void {
    this.#change(id, { state: "waiting", progress: 0 });
    this.#next();
  }

  /** The editor is closed: nothing goes on unseen. */
  stop(): void {
    for (const controller of this.#stops.values()) controller.abort();
    this.#set([]);
  }

  remove(id: number): void {
    this.#stops.get(id)?.abort();
    this.#set(this.#all.filter((upload) => upload.id !== id));
  }

  #next(): void {
    const free = AT_ONCE - this.#all.filter(({ state }) => state === "sending").length;
    const waiting = this.#all.filter(({ state }) => state === "waiting").slice(0, Math.max(0, free));
    for (const upload of waiting) void this.#start(upload);
  }

  async #start({ id, file }: Upload): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(id, stop);
    this.#change(id, { state: "sending" });
    try {
      const photo = await this.#send(file, (progress) => this.#change(id, { progress }), stop.signal);
      this.#set(this.#all.filter((upload) => upload.id !== id));
      this.#onDone(photo);
    } catch (error) {
      if (stop.signal.aborted) return;
      // 4xx: the picture itself is the reason; sending it again would change nothing.
      const isFinal = error instanceof ApiProblem && error.status < 500 && ![408, 429].includes(error.status);
      this.#change(id, { state: isFinal ? "refused" : "failed", message: explain(error).message });
    } finally {
      this.#stops.delete(id);
      this.#next();
    }
  }

  #change(id: number, change: Partial<Upload>): void {
    this.#set(this.#all.map((upload) => (upload.id === id ? { ...upload, ...change } : upload)));
  }

  #set(all: Upload[]): void {
    this.#all = all;
    for (const listener of this.#listeners) listener();
  }
}
