import { cleanup } from "@testing-library/react";
import { afterEach, beforeEach, vi } from "vitest";
import { FakeStream } from "./fake-stream.ts";

/** For all tests of a file: streams are fakes of which none is open yet, and time goes as the test says. */
export function withFakeStreams(): void {
  beforeEach(() => {
    FakeStream.opened = [];
    vi.stubGlobal("EventSource", FakeStream);
    vi.useFakeTimers({ shouldAdvanceTime: true });
  });
  afterEach(async () => {
    cleanup();
    await vi.advanceTimersByTimeAsync(6_000); // the stream lingers for a while
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}
