/**
 * Server-sent events over Koa. When the client's socket is full, its reader pauses until it drains: no queue
 * grows. A long message goes out piece by piece, as an outlet.
 */
import type { ServerResponse } from 'node:http';
import type { Context } from 'koa';
import type { Reader, Sink } from '../base/readers.ts';
import type { LongMessage, Text } from '../base/text.ts';
import type { Time } from '../base/time.ts';
import type { Budget } from './budget.ts';
import type { Outlet, Outlets } from './outlets.ts';
import { Problem } from './problem.ts';

/** A source that can be read from a cursor on. */
interface Readable<C> {
  open(cursor: C, sink: Sink<C>): Reader;
}

/** Turns messages into the text of events. */
export interface Framing<C> {
  head(cursor: C): string;
  text(message: string): string;
  piece(piece: Buffer): Buffer;
  readonly tail: string;
}

interface StreamOptions<C> {
  /** Default: messages are events already. */
  readonly framing?: Framing<C>;
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
  return `${eventHead(event, id)}${JSON.stringify(data)}${EVENT_END}`;
}

/** What comes before an event's data. */
export function eventHead(event: string, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: `;
}

/** What comes after an event's data. */
export const EVENT_END = '\n\n';

/** A stream that is open. */
interface OpenStream {
  /** Sends the goodbye, if the socket accepts it, and ends the stream. */
  end(reason: string): void;
  /** Cuts the connection. */
  cut(): void;
  readonly ended: Promise<void>;
}

/** Answers with a stream of events. */
export function streamEvents<C>(
  ctx: Context,
  source: Readable<C>,
  cursor: C,
  time: Time,
  outlets: Outlets,
  options: StreamOptions<C> = {},
): OpenStream {
  ctx.status = 200;
  ctx.type = 'text/event-stream';
  // No proxy may store, compress or delay the events.
  ctx.set({ 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' });
  // Koa would treat a client that disconnects as an error. Every client of an endless stream disconnects.
  Object.assign(ctx, { respond: false, onerror: () => {} });
  ctx.res.on('error', () => {});
  const stream = new EventStream<C>(ctx, time, outlets, options);
  // A HEAD request gets the headers, and no events.
  if (ctx.method === 'HEAD') ctx.res.end();
  else stream.open(source, cursor);
  return stream;
}

class EventStream<C> implements OpenStream, Outlet {
  readonly ended: Promise<void>;
  readonly #ctx: Context;
  readonly #time: Time;
  readonly #outlets: Outlets;
  readonly #options: StreamOptions<C>;
  /** Whether events are written to the socket itself. */
  #isBare = false;
  #reader: Reader | undefined;
  /** The long message that is being written. */
  #long: LongMessage | undefined;
  #isHeadDue = false;
  #fullSince: number | undefined;

  constructor(ctx: Context, time: Time, outlets: Outlets, options: StreamOptions<C>) {
    this.#ctx = ctx;
    this.#time = time;
    this.#outlets = outlets;
    this.#options = options;
    this.ended = new Promise((resolve) => ctx.res.once('close', resolve));
  }

  get text(): Text | undefined {
    return this.#long?.body.text;
  }

  get waitingBytes(): number {
    // The pieces of a text count with the text.
    return this.#long === undefined ? this.#target.writableLength : 0;
  }

  get fullSince(): number | undefined {
    return this.#fullSince;
  }

  open(source: Readable<C>, cursor: C): void {
    const { isChunked = true } = this.#options;
    const { req, res } = this.#ctx;
    req.socket.setNoDelay(true);
    // On HTTP/2, or behind an earlier request of a pipelined connection, the answer has no socket of its own.
    this.#isBare = !isChunked && req.httpVersionMajor === 1 && res.socket !== null;
    if (!isChunked) {
      res.useChunkedEncodingByDefault = false;
      res.setHeader('Connection', 'close');
    }
    res.flushHeaders();
    this.#outlets.add(this);
    this.#target.on('drain', () => this.#drained());
    res.once('close', () => this.#closed());
    this.#reader = source.open(cursor, {
      write: (message, at) => this.#send(message, at),
      end: () => this.end('no more events follow'),
    });
  }

  end(reason: string): void {
    const { res } = this.#ctx;
    if (res.writableEnded) return;
    // A client whose socket is full would not get the goodbye either.
    if (this.#long !== undefined || this.#target.writableNeedDrain) this.cut();
    else res.end(this.#options.goodbye?.(reason));
  }

  cut(): void {
    this.#long?.body.close();
    this.#ctx.res.destroy();
  }

  write(): boolean {
    const long = this.#long;
    if (long === undefined || this.#fullSince !== undefined) return false;
    const { framing } = this.#options;
    const { head, body, tail } = long;
    if (body.text.state === 'failed') {
      this.cut();
      return false;
    }
    if (this.#isHeadDue) {
      this.#isHeadDue = false;
      return this.#write(head);
    }
    const piece = body.next();
    if (piece !== undefined) return this.#write(framing ? framing.piece(piece) : piece);
    if (!body.isAtEnd) return false;
    this.#long = undefined;
    body.close();
    if (this.#write(tail)) this.#reader?.drained();
    return false;
  }

  get #target(): ServerResponse | ServerResponse['req']['socket'] {
    return this.#isBare ? this.#ctx.req.socket : this.#ctx.res;
  }

  #send(message: string | LongMessage, at: C): boolean {
    const { framing } = this.#options;
    if (typeof message === 'string')
      return this.#write(framing ? framing.head(at) + framing.text(message) + framing.tail : message);
    const { head, body, tail } = message;
    this.#long = framing
      ? { head: framing.head(at) + framing.text(head), body, tail: framing.text(tail) + framing.tail }
      : message;
    this.#isHeadDue = this.#long.head !== '';
    body.onMore = () => this.#outlets.ready(this);
    this.#outlets.ready(this);
    return false;
  }

  #write(text: string | Buffer): boolean {
    const takesMore = this.#isBare ? writeBare(this.#ctx.res, text) : writeChunk(this.#ctx.res, text);
    this.#fullSince = takesMore ? undefined : this.#time.now();
    return takesMore;
  }

  #drained(): void {
    this.#fullSince = undefined;
    if (this.#long === undefined) this.#reader?.drained();
    else this.#outlets.ready(this);
  }

  #closed(): void {
    this.#outlets.remove(this);
    this.#long?.body.close();
    this.#reader?.close();
  }
}

/**
 * Writes a chunk at once. By itself, Node collects the parts of a chunk until the end of the turn, behind all
 * other work of that turn.
 */
function writeChunk(res: ServerResponse, text: string | Buffer): boolean {
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
function writeBare({ socket }: ServerResponse, text: string | Buffer): boolean {
  return socket?.writable === true && socket.write(text);
}

/** The time for clients to receive the goodbye. After it, their connections are cut. */
const GOODBYE_MS = 1_000;

/** The open streams of a router. Invariant: never more than `max` at one time. */
export class EventStreams {
  readonly #max: number;
  readonly #budget: Budget;
  readonly #time: Time;
  readonly #open = new Set<OpenStream>();
  #closed: string | undefined;

  constructor(max: number, budget: Budget, time: Time) {
    this.#max = max;
    this.#budget = budget;
    this.#time = time;
  }

  /** @throws Problem `TOO_MANY_CLIENTS`, `TOO_MANY_BYTES` or `DRAINING` */
  requireRoom(): void {
    if (this.#closed !== undefined)
      throw new Problem('DRAINING', `this process opens no streams any more: ${this.#closed}`);
    if (this.#open.size < this.#max) return this.#budget.require(0);
    throw new Problem('TOO_MANY_CLIENTS', `expected at most ${this.#max} streams at one time, all are open`);
  }

  /** @throws Problem `TOO_MANY_CLIENTS`, `TOO_MANY_BYTES` or `DRAINING` */
  open<C>(ctx: Context, source: Readable<C>, cursor: C): void {
    this.requireRoom();
    const goodbye = (reason: string): string => `retry: 1000\n${eventText('goodbye', { reason })}`;
    const stream = streamEvents(ctx, source, cursor, this.#time, this.#budget.outlets, { goodbye });
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
      for (const stream of this.#open) stream.cut();
    });
    await Promise.all(streams.map(({ ended }) => ended));
    cancel();
  }
}
