/** Clients of an HTTP server, all at once. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';

export interface Fetching {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  /** A client is done once it has so many bytes. Default: once its server ends the answer, or is quiet. */
  readonly bytes?: number;
}

export interface Fetched {
  /** The number of clients that got 200 and as many bytes as were wanted. */
  readonly whole: number;
  /** Until the last of them was done, ms. */
  readonly ms: number;
  /** The bytes that the first client got. */
  readonly bytes: number;
}

/** A stream with nothing to say for so long has said all. */
const QUIET_MS = 500;
const LIMIT_MS = 60_000;

class Client {
  readonly #socket: Socket;
  readonly done: Promise<boolean>;
  bytes = 0;

  constructor({ port, path, bytes: wanted = Infinity }: Fetching) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.done = promise;
    this.#socket = connect(port, '127.0.0.1');
    let isGood: boolean | undefined;
    let quiet: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => resolve(false), LIMIT_MS);
    const end = (): void => {
      clearTimeout(limit);
      clearTimeout(quiet);
      resolve(isGood === true && (wanted === Infinity || this.bytes >= wanted));
    };
    this.#socket.on('data', (piece: Buffer) => {
      isGood ??= piece.subarray(0, 12).toString('latin1') === 'HTTP/1.1 200';
      this.bytes += piece.length;
      clearTimeout(quiet);
      if (!isGood || this.bytes >= wanted) end();
      else if (wanted === Infinity) quiet = setTimeout(end, QUIET_MS);
    });
    this.#socket.on('close', end);
    this.#socket.on('error', () => {});
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}

serve({
  fetch: async (fetching: Fetching): Promise<Fetched> => {
    const startedAt = monotonicMs();
    const clients = Array.from({ length: fetching.clients }, () => new Client(fetching));
    const done = await Promise.all(clients.map((client) => client.done));
    const ms = monotonicMs() - startedAt;
    for (const client of clients) client.close();
    return { whole: done.filter(Boolean).length, ms, bytes: clients[0]!.bytes };
  },
});
