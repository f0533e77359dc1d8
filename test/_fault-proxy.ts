/**
 * A TCP proxy before a server, for breaking what lies between: cut, reset, held back, slow, in pieces, or one reply lost.
 *
 * What is held back is not dropped: as on a real network it comes late, when the fault is over.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/** What happens to all that goes in one direction. */
interface Weather {
  isHeld: boolean;
  latencyMs: number;
  isFragmented: boolean;
}

const BOTH: readonly Direction[] = ['toServer', 'toClient'];

export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #weather: Record<Direction, Weather> = { toServer: clear(), toClient: clear() };
  readonly #links = new Set<Link>();
  #refuses = false;
  /** The next request that matches is carried out, and its reply is lost. */
  #loses: RegExp | undefined;
  /** When each connection was asked for, also those refused; ms as `performance.now()` has it. */
  readonly askedAt: number[] = [];

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (client) => this.#accept(client, target));
  }

  static async start(target: number): Promise<FaultProxy> {
    // Half open: an end, too, comes after what was held back before it.
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

  /** Breaks every connection off (RST). */
  reset(): void {
    for (const link of this.#links) link.reset();
  }

  /** Breaks off every new connection, until `resume`. */
  refuse(): void {
    this.#refuses = true;
  }

  /** Lets nothing through, and says nothing; also on new connections. */
  blackHole(...directions: Direction[]): void {
    this.#change(directions, { isHeld: true });
  }

  slow(latencyMs: number, ...directions: Direction[]): void {
    this.#change(directions, { latencyMs });
  }

  /** Sends everything on in pieces of 1 to 7 bytes. */
  fragment(): void {
    this.#change(BOTH, { isFragmented: true });
  }

  /** The next request that matches reaches the server; instead of its reply the connection is broken off. */
  loseReplyTo(request: RegExp): void {
    this.#loses = request;
  }

  /** All is well again. What was held back is delivered. */
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

/** One connection, and both its directions. */
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
      // One that is just being ended cannot be reset: Node answers EINVAL, leaves it open, and spins at exit for good.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  weatherChanged(): void {
    for (const flow of this.#flows) flow.weatherChanged();
  }
}

/** What goes in one direction of one connection, in order. */
class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  /** Waiting to be sent, and from when on; `undefined` is the end. */
  readonly #waiting: { readonly piece: Buffer | undefined; readonly dueAt: number }[] = [];
  #isWaking = false;

  /** @param passes whether what has come goes on */
  constructor(from: Socket, to: Socket, weather: Weather, passes: (chunk: Buffer) => boolean) {
    this.#from = from;
    this.#to = to;
    this.#weather = weather;
    from.on('data', (chunk) => passes(chunk) && this.#take(chunk));
    from.on('end', () => this.#take(undefined));
    this.weatherChanged();
  }

  weatherChanged(): void {
    // What is not read fills the sender's buffers, as it would on a network that loses everything.
    if (this.#weather.isHeld) this.#from.pause();
    else this.#from.resume();
    this.#send();
  }

  #take(chunk: Buffer | undefined): void {
    const dueAt = performance.now() + this.#weather.latencyMs;
    if (chunk === undefined || !this.#weather.isFragmented) {
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
      // Pieces that are written one by one are sent one by one.
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
  return { isHeld: false, latencyMs: 0, isFragmented: false };
}
