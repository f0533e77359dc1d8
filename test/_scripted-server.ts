/** A server for a client that a test scripts: a `fetch` whose answers the test gives, one event at a time. */
import type { ExecutionContext } from 'ava';
import type { ClientOptions } from '../src/client.ts';
import { follow } from '../src/client.ts';
import type { Definition } from '../src/index.ts';
import type { FakeTime } from '../src/base/fake-time.ts';

/** A stream that a client has opened. */
interface Opened {
  readonly url: URL;
  readonly headers: Headers;
  readonly isOpen: boolean;
  /** Sends text as it is. */
  send(text: string): void;
  end(): void;
  fail(): void;
}

type Answer = Response | Error | 'stream';

export class ScriptedServer {
  readonly streams: Opened[] = [];
  /** What the next requests for a stream get; after them, and by default, a stream. */
  readonly answers: Answer[] = [];
  /** The time of the server's clock, ms, by which its events and the route `clock` go. */
  now: () => number;
  /** How many requests for a stream came. */
  asked = 0;
  clocksRead = 0;

  constructor(time: FakeTime) {
    this.now = () => 1_000_000 + time.now();
  }

  readonly fetch = (async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    init.signal?.throwIfAborted();
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.pathname.endsWith('/clock')) {
      this.clocksRead += 1;
      return Response.json({ now: this.now() });
    }
    this.asked += 1;
    const answer = this.answers.shift() ?? 'stream';
    if (answer instanceof Error) throw answer;
    if (answer instanceof Response) return answer;
    return this.#open(url, init);
  }) as typeof fetch;

  get stream(): Opened {
    const last = this.streams.at(-1);
    if (last === undefined) throw new Error('no client has opened a stream');
    return last;
  }

  /** Sends an event, with the fields that every event of its type has. */
  send(type: string, fields: Record<string, unknown> = {}): void {
    this.stream.send(this.event(type, fields));
  }

  event(type: string, fields: Record<string, unknown> = {}): string {
    const proof = { freshness: 'live', staleMs: 10, source: 'redis', owner: 'alive', leaseMs: 5_000 };
    const said = type === 'state' || type === 'status' ? { now: this.now(), ...proof } : {};
    return `event: ${type}\ndata: ${JSON.stringify({ ...said, ...fields })}\n\n`;
  }

  #open(url: URL, init: RequestInit): Response {
    let isOpen = true;
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
    const over = (act: () => void): void => {
      if (isOpen) act();
      isOpen = false;
    };
    init.signal?.addEventListener('abort', () => over(() => controller.error(init.signal?.reason)));
    this.streams.push({
      url,
      headers: new Headers(init.headers),
      get isOpen() {
        return isOpen;
      },
      send: (text) => controller.enqueue(new TextEncoder().encode(text)),
      end: () => over(() => controller.close()),
      fail: () => over(() => controller.error(new TypeError('network error'))),
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream; charset=utf-8' } });
  }
}

/** A row of a `state` event. */
export function held(value: unknown, position: string) {
  return { value, position, freshness: 'live' };
}

/** A client of a scripted server, closed at the end of its test. */
export function clientOf<const D extends Definition>(
  t: ExecutionContext,
  server: ScriptedServer,
  time: FakeTime,
  options: Partial<ClientOptions<D>> = {},
) {
  const client = follow<D>({ url: 'http://server', space: 'trading', fetch: server.fetch, time, ...options });
  t.teardown(() => client.close());
  return client;
}
