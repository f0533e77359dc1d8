/**
 * The connection driver: runs the connection machine of one participant. Every event to that machine goes
 * through the driver.
 *
 * The machine decides the mode. The driver sends it the changes of the links, and runs the participant's
 * catch-up once each link is up or has failed. It passes each new mode on: to the observers, then to the
 * participant, then to the listeners.
 */
import type { Actor } from 'xstate';
import { createActor, fromPromise } from 'xstate';
import type { ConnectionEvent } from '../../machines/connection.ts';
import { connectionMachine } from '../../machines/connection.ts';
import type { TandemError } from '../base/errors.ts';
import { backoffMs } from '../base/time.ts';
import type { Role } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Link } from '../ports/store.ts';
import type { Mode } from '../state/mode.ts';
import type { ModeEvent } from './events.ts';
import type { ParticipantScope } from './logic.ts';
import { MODE_CHANGED } from './logic.ts';
import type { Reporter } from './reporter.ts';

/** The participant's side of its connection. */
export interface ConnectionWork {
  /** The links to the store. The participant needs all of them up. */
  readonly links: readonly Link[];
  /** Whether the direct path delivers frames. */
  readonly isDirectLive: boolean;
  /**
   * The reason why no catch-up can help for now, where there is one: a degraded participant then waits, and
   * does not try. The participant sends `link.up` once there is none.
   */
  readonly heldBackBy?: TandemError | undefined;
  /**
   * Brings memory and store together. The mode is `connected` once it resolves, `degraded` once it rejects.
   */
  catchUp(signal: AbortSignal): Promise<void>;
  /** Called after each change of the mode: after the observers, before the listeners. */
  entered(mode: Mode): void;
}

/** The follower whose state a standby shows as its own. */
interface Mirrored {
  readonly state: string;
  readonly reason: string;
}

/**
 * The longest wait between two catch-ups of a degraded participant, ms. A try costs a call or two. Within a
 * second of the last fault every participant must be in step, also one that waits for another.
 */
const MAX_PROBE_MS = 400;

export class ConnectionDriver {
  readonly #space: string;
  readonly #role: Role;
  readonly #runtime: Runtime;
  readonly #scope: ParticipantScope;
  readonly #reporter: Reporter;
  readonly #machine: Actor<typeof connectionMachine>;
  #work: ConnectionWork | undefined;
  #isStarted = false;
  #mode: Mode = 'recovering';
  #isOut = false;
  #backAt = -Infinity;
  #unwatch: readonly (() => void)[] = [];
  #mirrored: Mirrored | undefined;

  constructor(space: string, role: Role, runtime: Runtime, scope: ParticipantScope, reporter: Reporter) {
    this.#space = space;
    this.#role = role;
    this.#runtime = runtime;
    this.#scope = scope;
    this.#reporter = reporter;
    const { time } = runtime;
    const machine = connectionMachine.provide({
      actors: { catchUp: fromPromise(({ signal }) => this.#catchUp(signal)) },
      guards: {
        isLinkUp: () => this.isLinkUp && this.#work?.heldBackBy === undefined,
        isDirectLive: () => this.#work?.isDirectLive ?? false,
      },
      delays: { probe: ({ context }) => Math.min(MAX_PROBE_MS, backoffMs(time, context.failures)) },
    });
    this.#machine = createActor(machine, { parent: scope.self, id: 'connection' });
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** When the last outage ended, on `Time`, ms; -Infinity before the first one. */
  get backAt(): number {
    return this.#backAt;
  }

  /** The machine's state: the mode, with the inner state where there is one, as in `degraded.direct`. */
  get state(): string {
    if (!this.#isStarted && this.#mirrored) return this.#mirrored.state;
    const { value } = this.#machine.getSnapshot();
    if (!this.#isStarted || typeof value === 'string') return this.#mode;
    return Object.entries(value).flat().join('.');
  }

  /** The reason of the current mode, for people. */
  get reason(): string {
    if (!this.#isStarted && this.#mirrored) return this.#mirrored.reason;
    return this.#machine.getSnapshot().context.reason;
  }

  /** The links that the participant needs up. */
  get links(): readonly Link[] {
    return this.#work?.links ?? [];
  }

  get isLinkUp(): boolean {
    return this.links.every(({ up }) => up);
  }

  /** The error of a link that is down; `undefined` where none is down, or no error is known. */
  get linkError(): TandemError | undefined {
    return this.links.find(({ up, error }) => !up && error)?.error;
  }

  /** Sets the participant's side of the connection. Called once, before `start`. */
  employ(work: ConnectionWork): void {
    this.#work = work;
  }

  /**
   * Shows the state and the reason of this follower until `start`: a standby has no connection of its own.
   * With `undefined`, the follower has ended, and the owner's own state is shown.
   */
  mirror(follower: Mirrored | undefined): void {
    this.#mirrored = follower;
  }

  /** Starts the machine, and begins to watch the links. */
  start(): void {
    this.#isStarted = true;
    this.#unwatch = this.links.map((link) => link.watch(() => this.#linkChanged()));
    this.#machine.subscribe(({ value, context }) => {
      this.enter(typeof value === 'string' ? value : 'degraded', context.reason);
    });
    this.#machine.start();
    // A link may have a warning already. It waits until the caller can have added a listener.
    this.#runtime.time.endOfTurn(() => this.#passOnWarnings());
  }

  /**
   * Stops the machine for good: the mode is `stopped`. Idempotent.
   * @param reason of that mode. Default `stopped`
   */
  stop(reason = 'stopped'): void {
    for (const unwatch of this.#unwatch) unwatch();
    if (this.#isStarted) this.send({ type: 'stop', reason });
    else this.enter('stopped', reason);
  }

  send(event: ConnectionEvent): void {
    this.#machine.send(event);
  }

  /** Memory and store do not fit together. Observers get a `gap` event; in `connected` a catch-up follows. */
  gap(reason: string): void {
    this.#runtime.observers.tell('gap', { space: this.#space, role: this.#role, reason });
    this.send({ type: 'gap', reason });
  }

  /** Changes the mode, and passes it on. A standby's mode comes from its follower, without the machine. */
  enter(mode: Mode, reason: string): void {
    const from = this.#mode;
    if (mode === from) return;
    this.#mode = mode;
    this.#noteOutage(mode);
    if (mode === 'connected') this.#reporter.recovered();
    const change = { space: this.#space, role: this.#role, mode, from, reason };
    const { observers, tracer } = this.#runtime;
    tracer.modeChanged(change);
    observers.tell('mode', change);
    this.#work?.entered(mode);
    // The event comes before the snapshot: with `stopped` the actor is done, and emits nothing more.
    this.#reporter.emit({ type: 'mode', mode, from, reason } satisfies ModeEvent);
    this.#scope.self.send({ type: MODE_CHANGED });
  }

  #noteOutage(mode: Mode): void {
    if (mode === 'degraded') this.#isOut = true;
    if (mode !== 'connected' || !this.#isOut) return;
    this.#isOut = false;
    this.#backAt = this.#runtime.time.now();
  }

  #linkChanged(): void {
    this.#passOnWarnings();
    if (this.isLinkUp) {
      const name = this.links[0]?.name;
      return this.send({ type: 'link.up', ...(name !== undefined && { reason: `${name} is up` }) });
    }
    const error = this.linkError;
    if (error === undefined) return;
    this.#reporter.report(error);
    this.send({ type: 'link.down', reason: error.message });
  }

  #passOnWarnings(): void {
    for (const { warning } of this.links) if (warning !== undefined) this.#reporter.warn(warning);
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    await this.#untilLinksAreKnown(signal);
    signal.throwIfAborted();
    try {
      await this.#work?.catchUp(signal);
    } catch (error) {
      // `#linkChanged` reports a link that is down. A catch-up that was called off needs no report.
      if (!signal.aborted && this.isLinkUp) this.#reporter.report(error);
      throw error;
    }
  }

  /** Waits until each link is up or has an error. At the start neither is known yet: that is no failure. */
  async #untilLinksAreKnown(signal: AbortSignal): Promise<void> {
    const isPending = (link: Link): boolean => !link.up && link.error === undefined;
    while (this.links.some(isPending) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const unwatch = this.links.map((link) => link.watch(settled));
        signal.addEventListener('abort', settled, { once: true });
        function settled(): void {
          for (const stop of unwatch) stop();
          resolve();
        }
      });
    }
  }
}
