/**
 * A Redis that can be down, hang, refuse, forget and lose; and the sockets to it.
 *
 * What it does with a call is the model's (`_memory-store.ts`), which is held against a real one; how calls get there
 * and answers back is made here, out of chance.
 */
import { MemoryServer } from '../../src/memory/store.ts';
import type { Host } from './host.ts';
import type { SimTime } from './sim-time.ts';
import { Socket } from './socket.ts';

export interface Refusal {
  /** As in `LOADING Redis is loading the dataset in memory`. */
  readonly message: string;
  /** Reads are answered all the same. */
  readonly writesOnly: boolean;
}

export class Redis {
  readonly sim: SimTime;
  readonly model: MemoryServer;
  readonly #sockets = new Set<Socket>();
  #isUp = true;
  #isHung = false;
  #waiting: (() => void)[] = [];
  refusal: Refusal | undefined;

  constructor(sim: SimTime) {
    this.sim = sim;
    this.model = new MemoryServer({
      now: () => sim.now,
      after: (ms, run) => sim.after(ms, run),
      endOfTurn: (run) => sim.endOfTurn(run),
      nextTurn: (run) => sim.endOfTurn(run),
      random: () => sim.random.next(),
    });
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

  /** Has come in by a socket; is run now, or once it hangs no more. Also when the other end has gone meanwhile. */
  execute(run: () => void): void {
    if (!this.#isUp) return;
    if (this.#isHung) this.#waiting.push(run);
    else run();
  }

  /** SIGKILL. */
  crash(): void {
    this.#isUp = false;
    this.#isHung = false;
    this.#waiting = [];
    for (const socket of this.#sockets) socket.break('ECONNRESET');
  }

  start(): void {
    this.#isUp = true;
  }

  /** SIGSTOP. */
  hang(): void {
    this.#isHung = true;
  }

  resume(): void {
    this.#isHung = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
  }

  /** CLIENT KILL, by host and kind of socket. */
  kill(which: (socket: Socket) => boolean): void {
    for (const socket of this.#sockets) if (which(socket)) socket.break('ECONNRESET');
  }

  /** The subscriptions of a host's sockets are gone, and nobody says so. */
  forgetSubscriptions(host: Host): void {
    for (const socket of this.#sockets) if (socket.host === host) socket.unsubscribeAll();
  }
}

/** The way between a host and Redis, both directions, and what is wrong with it. */
export class Wire {
  /** Each way, ms, from and to. */
  latency: readonly [number, number] = [0.05, 2];
  /** What goes there is held; what comes back is. */
  isHoleThere = false;
  isHoleBack = false;
  /** Chance that a published message is lost on the way, or comes twice. */
  lossy = 0;
  repeating = 0;
}
