/** Server-sent events over Koa: as fast as the client reads, and not a byte kept beyond that. */
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { Reader, Sink } from '../base/readers.ts';
import type { Time } from '../base/time.ts';
import { Problem } from './problem.ts';

/** Whatever can be read from a cursor on. */
interface Readable<C> {
  open(cursor: C, sink: Sink<C>): Reader;
}

interface StreamOptions<C> {
  /** The text of an event, or of several, from a message. */
  readonly format?: (message: string, cursor: C) => string;
  /**
   * Without chunks the connection is the stream's, and its end the stream's: an event is one write to the socket, and no more
   * bytes than its own. Default true.
   */
  readonly isChunked?: boolean;
  /** What is sent when no more will come. */
  readonly goodbye?: (reason: string) => string;
}

/** The text of one event. */
export function eventText(event: string, data: unknown, id?: string): string {
  const place = id === undefined ? '' : `id: ${id}\n`;
  return `${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A stream that is open. */
interface OpenStream {
  /** Says goodbye with a reason, where there is one to be said, and ends. */
  end(reason: string): void;
  /** At once. */
  destroy(): void;
  readonly ended: Promise<void>;
}

/** Answers with a stream of events. */
export function streamEvents<C>(
  ctx: Context,
  source: Readable<C>,
  cursor: C,
  { format = (message) => message, goodbye, isChunked = true }: StreamOptions<C> = {},
): OpenStream {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const { req, res } = ctx;
  ctx.status = 200;
  ctx.type = 'text/event-stream';
  // No proxy is to keep, to squeeze or to hold back what is meant for now.
  ctx.set({ 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' });
  // Koa would hold a client that goes for an error; clients of a stream that has no end always go.
  Object.assign(ctx, { respond: false, onerror: () => {} });
  res.on('error', () => {});
  res.once('close', resolve);
  const destroy = (): void => void res.destroy();
  const end = (reason: string): void => {
    if (res.writableEnded) return;
    // Who does not take what there is will not take a goodbye.
    if (res.writableNeedDrain || req.socket.writableNeedDrain) destroy();
    else res.end(goodbye?.(reason));
  };
  // Who asks for the headers alone gets them, and no events.
  if (ctx.method === 'HEAD') res.end();
  else {
    req.socket.setNoDelay(true);
    // Behind an earlier request of its connection, or on HTTP/2, it has no socket to itself.
    const isBare = !isChunked && req.httpVersionMajor === 1 && res.socket !== null;
    if (!isChunked) {
      res.useChunkedEncodingByDefault = false;
      res.setHeader('Connection', 'close');
    }
    res.flushHeaders();
    const write = isBare ? writeBare : writeChunk;
    const reader = source.open(cursor, {
      write: (message, at) => write(res, format(message, at)),
      end: () => end('there is no more to come'),
    });
    (isBare ? req.socket : res).on('drain', () => reader.drained());
    res.once('close', () => reader.close());
  }
  return { end, destroy, ended };
}

/** Node gathers what is written in a turn, and sends it when the turn is done: behind whatever else that turn does. */
function writeChunk(res: ServerResponse, text: string): boolean {
  const { socket } = res;
  socket?.cork();
  const takesMore = res.write(text);
  socket?.uncork();
  return takesMore;
}

/** Behind its head an answer without chunks is what goes over its socket, while that takes anything. */
function writeBare({ socket }: ServerResponse, text: string): boolean {
  return socket?.writable === true && socket.write(text);
}

/** How long a client may take to hear the goodbye, ms. */
const GOODBYE_MS = 1_000;

/** The streams that are open at one time: so many, and not one more. */
export class EventStreams {
  readonly #max: number;
  readonly #time: Time;
  readonly #open = new Set<OpenStream>();
  #closed: string | undefined;

  constructor(max: number, time: Time) {
    this.#max = max;
    this.#time = time;
  }

  /** @throws Problem `TOO_MANY_CLIENTS` or `DRAINING` */
  requireRoom(): void {
    if (this.#closed !== undefined) throw new Problem('DRAINING', `no streams any more: ${this.#closed}`);
    if (this.#open.size < this.#max) return;
    throw new Problem('TOO_MANY_CLIENTS', `expected at most ${this.#max} streams at one time, all are taken`);
  }

  /** @throws Problem `TOO_MANY_CLIENTS` or `DRAINING` */
  open<C>(ctx: Context, source: Readable<C>, cursor: C): void {
    this.requireRoom();
    const goodbye = (reason: string): string => `retry: 1000\n${eventText('goodbye', { reason })}`;
    const stream = streamEvents(ctx, source, cursor, { goodbye });
    this.#open.add(stream);
    void stream.ended.then(() => this.#open.delete(stream));
  }

  /** Says goodbye to all, and lets nobody in any more. Resolves when all are gone, in a second at most. */
  async close(reason: string): Promise<void> {
    this.#closed = reason;
    const streams = [...this.#open];
    for (const stream of streams) stream.end(reason);
    const cancel = this.#time.after(GOODBYE_MS, () => {
      for (const stream of this.#open) stream.destroy();
    });
    await Promise.all(streams.map(({ ended }) => ended));
    cancel();
  }
}
