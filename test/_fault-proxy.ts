/**
 * A TCP proxy in front of a server, for network faults: connections are closed, reset, stalled, delayed or
 * split, or one reply is lost.
 *
 * The proxy never drops stalled bytes. As on a real network, they arrive late, once the fault is over.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** The faults of one direction. */
interface Weather {
  isHeld: boolean;
  latencyMs: number;
  /** How much gets through, bytes. */
  perMs: number;
  isFragmented: boolean;
}

/** What passes a narrow connection passes in pieces of so many ms. */
const NARROW_MS = 10;
const BOTH: readonly Direction[] = ['toServer', 'toClient'];

export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #weather: Record<Direction, Weather> = { toServer: clear(), toClient: clear() };
  readonly #links = new Set<Link>();
  #refuses = false;
  /** The server carries out the next request that matches, and the reply is lost. */
  #loses: RegExp | undefined;
  /** When each connection was requested, refused ones included, on the clock of `performance.now()`. */
  readonly askedAt: number[] = [];

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#accept(client, target));
  }

  static async start(target: number): Promise<FaultProxy> {
    // Half open, so that the end of a stream is delivered after the bytes that were held back before it.
    const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FaultProxy(server, target);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Closes every connection in good order (FIN). */
  cut(): void {
    for (const link of this.#links) link.end();
  }

  /** Resets every connection (RST). */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  /** Resets every new connection until `resume`. */
  refuse(): void {
    this.#refuses = true;
  }

  /** Delivers nothing and closes nothing, on present and new connections. */
  blackHole(...directions: Direction[]): void {
    this.#change(directions, { isHeld: true });
  }

  slow(latencyMs: number, ...directions: Direction[]): void {
    this.#change(directions, { latencyMs });
  }

  /** Lets so many bytes through in each ms, on each connection. */
  narrow(perMs: number, ...directions: Direction[]): void {
    this.#change(directions, { perMs });
  }

  /** Sends everything on in pieces of 1 to 7 bytes. */
  fragment(): void {
    this.#change(BOTH, { isFragmented: true });
  }

  /**
   * Lets the next request that matches reach the server, then resets the connection instead of delivering the
   * reply.
   */
  loseReplyTo(request: RegExp): void {
    this.#loses = request;
  }

  /** Ends every fault. Bytes that were held back are delivered. */
  resume(): void {
    this.#refuses = false;
    this.#loses = undefined;
    this.#change(BOTH, clear());
  }

  async stop(): Promise<void> {
    for (const link of this.#links) link.reset();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #change(directions: readonly Direction[], change: Partial<Weather>): void {
    for (const direction of directions.length > 0 ? directions : BOTH)
      Object.assign(this.#weather[direction], change);
    for (const link of this.#links) link.weatherChanged();
  }

  #accept(client: Socket, target: number): void {
    this.askedAt.push(performance.now());
    client.on('error', () => {});
    if (this.#refuses) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const link = new Link(client, server, this.#weather, (request) => {
      const isLost = this.#loses?.test(request.toString('latin1')) ?? false;
      if (isLost) this.#loses = undefined;
      return isLost;
    });
    this.#links.add(link);
    link.closed(() => void this.#links.delete(link));
  }
}

/** One connection with its two directions. */
class Link {
  readonly #sockets: readonly [client: Socket, server: Socket];
  readonly #flows: readonly Flow[];
  #losesReply = false;

  constructor(
    client: Socket,
    server: Socket,
    weather: Record<Direction, Weather>,
    loses: (request: Buffer) => boolean,
  ) {
    this.#sockets = [client, server];
    this.#flows = [
      new Flow(client, server, weather.toServer, (request) => {
        this.#losesReply ||= loses(request);
        return true;
      }),
      new Flow(server, client, weather.toClient, () => {
        if (this.#losesReply) this.reset();
        return !this.#losesReply;
      }),
    ];
  }

  closed(callback: () => void): void {
    let open = 2;
    for (const socket of this.#sockets) {
      socket.on('error', () => this.reset());
      socket.on('close', () => {
        open -= 1;
        if (open === 0) callback();
      });
    }
  }

  end(): void {
    for (const socket of this.#sockets) socket.end();
    for (const socket of this.#sockets) socket.destroySoon();
  }

  reset(): void {
    for (const socket of this.#sockets) {
      if (socket.destroyed) continue;
      // A socket that is being ended cannot be reset: Node answers EINVAL, leaves it open, and spins forever
      // at exit.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  weatherChanged(): void {
    for (const flow of this.#flows) flow.weatherChanged();
  }
}

/** The bytes of one direction of one connection, in order. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  /** Pieces that wait to be sent, each with the time from which it may go. `undefined` stands for the end. */
  readonly #waiting: { readonly piece: Buffer | undefined; readonly dueAt: number }[] = [];
  #isWaking = false;

  /** @param passes whether a chunk is to be delivered */
  constructor(from: Socket, to: Socket, weather: Weather, passes: (chunk: Buffer) => boolean) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.on('data', (chunk) => passes(chunk) && this.#take(chunk));
    from.on('end', () => this.#take(undefined));
    this.weatherChanged();
  }

  weatherChanged(): void {
    // Unread bytes fill the sender's buffers, as on a network that delivers nothing.
    if (this.#weather.isHeld) this.#from.pause();
    else this.#from.resume();
    this.#send();
  }

  #take(chunk: Buffer | undefined): void {
    const dueAt = performance.now() + this.#weather.latencyMs;
    const { perMs } = this.#weather;
    if (chunk !== undefined && perMs < Infinity) {
      let passesAt = Math.max(dueAt, this.#waiting.at(-1)?.dueAt ?? 0);
      for (let at = 0; at < chunk.length; at += NARROW_MS * perMs, passesAt += NARROW_MS)
        this.#waiting.push({ piece: chunk.subarray(at, at + NARROW_MS * perMs), dueAt: passesAt });
    } else if (chunk === undefined || !this.#weather.isFragmented) {
      this.#waiting.push({ piece: chunk, dueAt });
    } else {
      for (let at = 0, size = 1; at < chunk.length; at += size, size = (size % 7) + 1)
        this.#waiting.push({ piece: chunk.subarray(at, at + size), dueAt });
    }
    this.#send();
  }

  #send(): void {
    if (this.#isWaking) return;
    for (let first = this.#waiting[0]; first && !this.#weather.isHeld; first = this.#waiting[0]) {
      const { piece, dueAt } = first;
      const waitMs = dueAt - performance.now();
      if (waitMs > 0) return this.#wake((run) => setTimeout(run, waitMs));
      this.#waiting.shift();
      if (this.#to.destroyed) continue;
      if (piece === undefined) this.#to.end();
      else this.#to.write(piece);
      // Pieces leave the socket one by one only if each write has a turn of the loop of its own.
      if (this.#weather.isFragmented) return this.#wake(setImmediate);
    }
  }

  #wake(later: (run: () => void) => unknown): void {
    this.#isWaking = true;
    later(() => {
      this.#isWaking = false;
      this.#send();
    });
  }
}

function clear(): Weather {
  return { isHeld: false, latencyMs: 0, perMs: Infinity, isFragmented: false };
}
