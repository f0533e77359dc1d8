/**
 * Server-sent events over Koa. When the client's socket is full, its reader pauses until it drains: no queue
 * grows.
 */
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { Reader, Sink } from '../base/readers.ts';
import type { Time } from '../base/time.ts';
import { Problem } from './problem.ts';

/** A source that can be read from a cursor on. */
interface Readable<C> {
  open(cursor: C, sink: Sink<C>): Reader;
}

interface StreamOptions<C> {
  /** Turns a message into the text of one or more events. Default: the message as it is. */
  readonly format?: (message: string, cursor: C) => string;
  /**
   * Whether the answer uses chunked encoding. Without it, the stream ends with its connection, and an event
   * is one write to the socket without any extra bytes. Default true.
   */
  readonly isChunked?: boolean;
  /** The text of the last event. Default: none. */
  readonly goodbye?: (reason: string) => string;
}

/** The text of one event. */
export function eventText(event: string, data: unknown, id?: string): string {
  const place = id === undefined ? '' : `id: ${id}\n`;
  return `${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A stream that is open. */
interface OpenStream {
  /** Sends the goodbye, if the socket accepts it, and ends the stream. */
  end(reason: string): void;
  /** Cuts the connection. */
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
  // No proxy may store, compress or delay the events.
  ctx.set({ 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' });
  // Koa would treat a client that disconnects as an error. Every client of an endless stream disconnects.
  Object.assign(ctx, { respond: false, onerror: () => {} });
  res.on('error', () => {});
  res.once('close', resolve);
  const destroy = (): void => void res.destroy();
  const end = (reason: string): void => {
    if (res.writableEnded) return;
    // A client whose socket is full would not get the goodbye either.
    if (res.writableNeedDrain || req.socket.writableNeedDrain) destroy();
    else res.end(goodbye?.(reason));
  };
  // A HEAD request gets the headers, and no events.
  if (ctx.method === 'HEAD') res.end();
  else {
    req.socket.setNoDelay(true);
    // On HTTP/2, or behind an earlier request of a pipelined connection, the answer has no socket of its own.
    const isBare = !isChunked && req.httpVersionMajor === 1 && res.socket !== null;
    if (!isChunked) {
      res.useChunkedEncodingByDefault = false;
      res.setHeader('Connection', 'close');
    }
    res.flushHeaders();
    const write = isBare ? writeBare : writeChunk;
    const reader = source.open(cursor, {
      write: (message, at) => write(res, format(message, at)),
      end: () => end('no more events follow'),
    });
    (isBare ? req.socket : res).on('drain', () => reader.drained());
    res.once('close', () => reader.close());
  }
  return { end, destroy, ended };
}

/**
 * Writes a chunk at once. By itself, Node collects the parts of a chunk until the end of the turn, behind all
 * other work of that turn.
 */
function writeChunk(res: ServerResponse, text: string): boolean {
  const { socket } = res;
  socket?.cork();
  const takesMore = res.write(text);
  socket?.uncork();
  return takesMore;
}

/**
 * Writes to the socket itself. After its headers, an answer without chunks is exactly the bytes on its
 * socket.
 */
function writeBare({ socket }: ServerResponse, text: string): boolean {
  return socket?.writable === true && socket.write(text);
}

/** The time for clients to receive the goodbye. After it, their connections are cut. */
const GOODBYE_MS = 1_000;

/** The open streams of a router. Invariant: never more than `max` at one time. */
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
    if (this.#closed !== undefined)
      throw new Problem('DRAINING', `this process opens no streams any more: ${this.#closed}`);
    if (this.#open.size < this.#max) return;
    throw new Problem('TOO_MANY_CLIENTS', `expected at most ${this.#max} streams at one time, all are open`);
  }

  /** @throws Problem `TOO_MANY_CLIENTS` or `DRAINING` */
  open<C>(ctx: Context, source: Readable<C>, cursor: C): void {
    this.requireRoom();
    const goodbye = (reason: string): string => `retry: 1000\n${eventText('goodbye', { reason })}`;
    const stream = streamEvents(ctx, source, cursor, { goodbye });
    this.#open.add(stream);
    void stream.ended.then(() => this.#open.delete(stream));
  }

  /**
   * Sends the goodbye on every stream, and opens no more. Resolves when all have ended, after about 1 s at
   * most.
   */
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
