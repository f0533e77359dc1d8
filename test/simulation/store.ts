/**
 * A process's way to the simulated Redis: real connections, with all their supervision, over simulated
 * sockets.
 */
import type { ServerClock } from '../../src/base/clock.ts';
import type { Client } from '../../src/redis/target.ts';
import { Connection } from '../../src/redis/connection.ts';
import { Subscriptions } from '../../src/redis/subscriptions.ts';
import type { Capacity, Page, SinceOptions } from '../../src/ports/store.ts';
import type { Position } from '../../src/state/position.ts';
import { ModelStore } from '../../src/memory/store.ts';
import type { Host } from './host.ts';
import type { Redis } from './redis.ts';
import type { Size } from './size.ts';
import type { Socket } from './socket.ts';
import type { Wire } from './wire.ts';

const DEADLINE_MS = 500;

export class SimStore extends ModelStore {
  override readonly capacity: Capacity;
  readonly commands: Connection;
  readonly subscriber: Connection;
  readonly sockets = new Set<Socket>();
  readonly #subscriptions = new Subscriptions();
  readonly #page: number;

  constructor(redis: Redis, host: Host, wire: Wire, clock: ServerClock, size: Size) {
    const { stagePortion, capacity, page } = size;
    super({
      server: redis.model,
      time: host,
      clock,
      stagePortion,
      settlePortion: 3,
      deadlineMs: DEADLINE_MS,
    });
    this.capacity = capacity;
    this.#page = page;
    const make = (): Socket => {
      const socket = redis.socket(host, wire);
      this.sockets.add(socket);
      return socket;
    };
    const common = { time: host, deadlineMs: DEADLINE_MS };
    this.commands = new Connection({
      ...common,
      make: () => asClient(make()),
      ping: async (client) => {
        const sentAt = host.now();
        const now = await asSocket(client).request(() => redis.model.now(), false);
        clock.sample(sentAt, now, host.now());
      },
    });
    this.subscriber = new Connection({
      ...common,
      make: () => {
        const socket = make();
        socket.onMessage = (space, message) => this.#deliver(space, message);
        return asClient(socket);
      },
      ping: (client) => asSocket(client).request(() => {}, false),
    });
  }

  override since(space: string, position: Position, limit: number, options?: SinceOptions): Promise<Page> {
    return super.since(space, position, Math.min(limit, this.#page), options);
  }

  async subscribe(space: string, deliver: (message: string) => void): Promise<void> {
    this.#subscriptions.add(space, deliver);
    await this.subscriber.call((client) => {
      const socket = asSocket(client);
      return socket.request(() => socket.subscribe(space), false);
    });
  }

  async unsubscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const wasLast = this.#subscriptions.remove(space, deliver);
    if (!wasLast || !this.subscriber.up) return;
    await this.subscriber.call((client) => {
      const socket = asSocket(client);
      return socket.request(() => socket.unsubscribe(space), false);
    });
  }

  stop(): void {
    this.commands.stop();
    this.subscriber.stop();
  }

  protected override roundTrip<R>(run: () => R, isWrite: boolean): Promise<R> {
    return this.commands.call((client) => asSocket(client).request(run, isWrite));
  }

  #deliver(space: string, message: string): void {
    this.subscriber.heard();
    this.#subscriptions.deliver(space, message);
  }
}

/** A socket has all that `Connection` needs of a client. */
function asClient(socket: Socket): Client {
  return socket as unknown as Client;
}

function asSocket(client: Client): Socket {
  return client as unknown as Socket;
}
