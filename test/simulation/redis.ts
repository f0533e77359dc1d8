/**
 * A Redis that can be down, hang, refuse commands, and lose data; and the sockets to it.
 *
 * `src/memory/store.ts` models the result of each call, and the contract suite compares that model with a
 * real Redis. This file makes up, at random, how calls and replies travel.
 */
import type { Time } from '../../src/base/time.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import type { Host } from './host.ts';
import type { SimTime } from './sim-time.ts';
import type { Refusal, SocketServer } from './socket.ts';
import { Socket } from './socket.ts';
import type { Wire } from './wire.ts';

export class Redis implements SocketServer {
  readonly sim: SimTime;
  readonly model: RedisModel;
  readonly #sockets = new Set<Socket>();
  #isUp = true;
  #isHung = false;
  #waiting: (() => void)[] = [];
  refusal: Refusal | undefined;

  /** @param pageBytes as in `Size` */
  constructor(sim: SimTime, pageBytes: number | undefined) {
    this.sim = sim;
    const time: Time = {
      now: () => sim.now,
      wokeAt: -Infinity,
      onWake: () => () => {},
      wall: () => sim.now,
      after: (ms, run) => sim.after(ms, run),
      endOfTurn: (run) => sim.endOfTurn(run),
      nextTurn: (run) => sim.endOfTurn(run),
      random: () => sim.random.next(),
    };
    this.model = new RedisModel(time, { pageBytes });
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  socket(host: Host, wire: Wire): Socket {
    const socket = new Socket(this, host, wire);
    this.#sockets.add(socket);
    return socket;
  }

  forget(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  /**
   * Runs a call that has arrived on a socket: at once, or when Redis no longer hangs. It runs even if its
   * client has gone meanwhile.
   */
  execute(run: () => void): void {
    if (!this.#isUp) return;
    if (this.#isHung) this.#waiting.push(run);
    else run();
  }

  /** Ends Redis as SIGKILL does. */
  crash(): void {
    this.#isUp = false;
    this.#isHung = false;
    this.#waiting = [];
    for (const socket of this.#sockets) socket.break('ECONNRESET');
  }

  start(): void {
    this.#isUp = true;
  }

  /** Stops Redis as SIGSTOP does. */
  hang(): void {
    this.#isHung = true;
  }

  resume(): void {
    this.#isHung = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  /** Closes the sockets that `which` selects, as CLIENT KILL does. */
  kill(which: (socket: Socket) => boolean): void {
    for (const socket of this.#sockets) if (which(socket)) socket.break('ECONNRESET');
  }

  /** Drops the subscriptions of a host's sockets without any sign to the host. */
  forgetSubscriptions(host: Host): void {
    for (const socket of this.#sockets) if (socket.host === host) socket.unsubscribeAll();
  }
}
