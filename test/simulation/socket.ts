/**
 * One connection to the simulated Redis, in place of an ioredis client. It has as much of a client as
 * `Connection` uses. Bytes arrive in order or not at all, and may arrive after their sender has gone.
 */
import type { RedisModel } from '../../src/memory/redis-model.ts';
import type { Host } from './host.ts';
import type { SimTime } from './sim-time.ts';
import type { Wire } from './wire.ts';

type Listener = (argument?: unknown) => void;
type Way = 'there' | 'back';

export interface Refusal {
  /** The text of the error reply, such as `LOADING Redis is loading the dataset in memory`. */
  readonly message: string;
  /** True if Redis still answers reads. */
  readonly writesOnly: boolean;
}

/** The server's side of a socket. */
export interface SocketServer {
  readonly sim: SimTime;
  readonly model: RedisModel;
  readonly isUp: boolean;
  readonly refusal: Refusal | undefined;
  execute(run: () => void): void;
  forget(socket: Socket): void;
}

export class Socket {
  readonly host: Host;
  readonly isCluster = false;
  readonly options = {};
  /** What the connection sees of the traffic: a byte for each reply and each message that came in. */
  readonly stream = { bytesRead: 0, bytesWritten: 0, writableLength: 0, cork() {}, uncork() {} };
  status = 'wait';
  readonly #redis: SocketServer;
  readonly #wire: Wire;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #lastAt = { there: 0, back: 0 };
  #held: { way: Way; run: () => void; isLast: boolean }[] = [];
  #isBroken = false;
  /** True while nothing gets through on this connection, although others work. */
  #isStuck = false;
  readonly #subscriptions = new Map<string, (message: string) => void>();
  onMessage: (space: string, message: string) => void = () => {};

  constructor(redis: SocketServer, host: Host, wire: Wire) {
    this.#redis = redis;
    this.host = host;
    this.#wire = wire;
  }

  get isSubscribed(): boolean {
    return this.#subscriptions.size > 0;
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  removeAllListeners(): void {
    this.#listeners.clear();
  }

  /** `ready` comes once the server has answered. ioredis behaves so too: it asks for INFO first. */
  async connect(): Promise<void> {
    this.status = 'connecting';
    const isRefused = !this.#redis.isUp;
    this.#send('there', () => {
      if (isRefused || !this.#redis.isUp) return this.break('ECONNREFUSED');
      this.#redis.execute(() =>
        this.#send('back', () =>
          this.host.deliver(() => {
            if (this.status !== 'connecting') return;
            this.status = 'ready';
            this.#emit('ready');
          }),
        ),
      );
    });
    await Promise.resolve();
  }

  /** Closes this end. Bytes that were sent before are still on their way. */
  disconnect(): void {
    this.status = 'end';
    this.#send('there', () => this.#close());
  }

  /** Runs a call on the server. The answer may never come: the caller has to set a deadline. */
  request<R>(run: () => R, isWrite: boolean): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.status !== 'ready') return reject(new Error('Connection is closed.'));
      this.#send('there', () =>
        this.#redis.execute(() => {
          const { refusal } = this.#redis;
          if (refusal !== undefined && (isWrite || !refusal.writesOnly)) {
            const error = Object.assign(new Error(refusal.message), { name: 'ReplyError' });
            return this.#send('back', () => this.host.deliver(() => reject(error)));
          }
          const result = run();
          this.#send('back', () => this.host.deliver(() => this.status === 'ready' && resolve(result)));
        }),
      );
    });
  }

  /** Subscribes this socket. Runs on the server's side, as part of a request. */
  subscribe(space: string): void {
    if (this.#subscriptions.has(space)) return;
    const deliver = (message: string): void => {
      const { random } = this.#redis.sim;
      if (random.chance(this.#wire.lossy)) return;
      const copies = random.chance(this.#wire.repeating) ? 2 : 1;
      for (let n = 0; n < copies; n += 1)
        this.#send('back', () =>
          this.host.deliver(() => this.status === 'ready' && this.onMessage(space, message)),
        );
    };
    this.#subscriptions.set(space, deliver);
    this.#redis.model.subscribe(space, deliver);
  }

  unsubscribe(space: string): void {
    const deliver = this.#subscriptions.get(space);
    if (deliver !== undefined) this.#redis.model.unsubscribe(space, deliver);
    this.#subscriptions.delete(space);
  }

  unsubscribeAll(): void {
    for (const space of this.#subscriptions.keys()) this.unsubscribe(space);
  }

  /** Breaks the connection at both ends. The client learns of it unless nothing gets through. */
  break(reason: string): void {
    if (this.#isBroken) return;
    this.#close();
    this.#send(
      'back',
      () =>
        this.host.deliver(() => {
          if (this.status === 'end') return;
          this.status = 'end';
          this.#emit('error', new Error(reason));
          this.#emit('close');
        }),
      true,
    );
  }

  stick(): void {
    this.#isStuck = true;
  }

  /** Heals the wire. Bytes that were held back go on their way, if their receiver is still there. */
  release(): void {
    this.#isStuck = false;
    const held = this.#held;
    this.#held = [];
    for (const { way, run, isLast } of held) this.#send(way, run, isLast);
  }

  #close(): void {
    this.#isBroken = true;
    this.unsubscribeAll();
    this.#redis.forget(this);
  }

  #send(way: Way, run: () => void, isLast = false): void {
    if (this.#isBroken && !isLast) return;
    const { sim } = this.#redis;
    const isHole = way === 'there' ? this.#wire.isHoleThere : this.#wire.isHoleBack;
    if (isHole || this.#isStuck) return void this.#held.push({ way, run, isLast });
    const [least, most] = this.#wire.latency;
    const at = Math.max(this.#lastAt[way] + 0.001, sim.now + sim.random.between(least, most));
    this.#lastAt[way] = at;
    // Bytes that were sent before the connection broke may arrive or not.
    sim.after(at - sim.now, () => {
      if (this.#isBroken && !isLast) return;
      if (way === 'back') this.stream.bytesRead += 1;
      run();
    });
  }

  #emit(event: string, argument?: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(argument);
  }
}
