/** A client of server-sent events that keeps every event it receives, for tests to inspect. */
import { createParser } from 'eventsource-parser';
import { until } from './_wait.ts';

export interface Sent {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: any;
  readonly atMs: number;
}

export class EventClient {
  readonly sent: Sent[] = [];
  readonly headers: Headers;
  /** Resolves when the server has ended the stream, or when `close` was called. */
  readonly ended: Promise<void>;
  isEnded = false;
  /** The id of the last event, as a browser keeps it for `Last-Event-ID`. */
  lastId: string | undefined;
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.headers = response.headers;
    this.#abort = abort;
    this.ended = this.#read(response.body!)
      .catch(() => {})
      .then(() => void (this.isEnded = true));
  }

  static async open(url: string, lastId?: string): Promise<EventClient> {
    const abort = new AbortController();
    const headers: Record<string, string> = lastId === undefined ? {} : { 'Last-Event-ID': lastId };
    const response = await fetch(url, { headers, signal: abort.signal });
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return new EventClient(response, abort);
  }

  of(event: string): Sent[] {
    return this.sent.filter((one) => one.event === event);
  }

  /** Resolves with the first event, from index `since` on, for which `holds` is true. */
  async find(what: string, holds: (sent: Sent) => boolean, since = 0): Promise<Sent> {
    await until(() => this.sent.slice(since).some(holds), `an event: ${what}`);
    return this.sent.slice(since).find(holds)!;
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.ended;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    const parser = createParser({
      onEvent: ({ event = 'message', id, data }) => {
        this.lastId = id ?? this.lastId;
        this.sent.push({ event, id, data: JSON.parse(data) as unknown, atMs: performance.now() });
      },
    });
    const decoder = new TextDecoder();
    for await (const piece of body) parser.feed(decoder.decode(piece, { stream: true }));
  }
}

/** Rebuilds the state from the events of `/spaces/:space/changes`, as a client program would. */
export function stateOf(sent: readonly Sent[], held: Record<string, unknown> = {}): Record<string, unknown> {
  let state: Record<string, unknown> = { ...held };
  for (const { event, data } of sent) {
    if (event === 'state') state = Object.fromEntries(valuesIn(data.state));
    if (event !== 'change') continue;
    for (const { key, value } of data.changes) state[key] = value;
    for (const key of data.deletes) delete state[key];
  }
  return state;
}

function valuesIn(state: Record<string, { value: unknown }>): [string, unknown][] {
  return Object.entries(state).map(([key, { value }]) => [key, value]);
}
