/** The browser's EventSource without a network: the test says what arrives. */
export class FakeStream extends EventTarget {
  static readonly CLOSED = 2;
  /** All that were opened, in order. */
  static opened: FakeStream[] = [];

  readyState = 1;

  readonly url: string;

  constructor(url: string) {
    super();
    this.url = url;
    FakeStream.opened.push(this);
  }

  static get last(): FakeStream {
    const last = FakeStream.opened.at(-1);
    if (!last) throw new Error("No stream was opened.");
    return last;
  }

  send(name: string, data: unknown = {}): void {
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  /** The server refuses or is gone for good. */
  fail(): void {
    this.readyState = FakeStream.CLOSED;
    this.dispatchEvent(new Event("error"));
  }

  close(): void {
    this.readyState = FakeStream.CLOSED;
  }
}
