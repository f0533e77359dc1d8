/**
 * Runs the connection machine of one participant, and is the only one that sends to it.
 *
 * The machine decides the mode. The driver passes on what the links say, runs the participant's catch-up once the
 * links are known, and makes each new mode known: to observers, to the participant, then to listeners.
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

/** What a participant supplies to its connection. */
export interface ConnectionWork {
  /** The links without which it cannot work. */
  readonly links: readonly Link[];
  /** Whether the direct path delivers. */
  readonly isDirectLive: boolean;
  /** Brings memory and store together; on success the mode is `connected`. */
  catchUp(signal: AbortSignal): Promise<void>;
  /** Called when the mode has changed, before anyone outside hears of it. */
  entered(mode: Mode): void;
}

/** A participant whose state another shows as its own. */
interface Mirrored {
  readonly state: string;
  readonly reason: string;
}

/**
 * With its links up a participant tries again at least this often, ms. A try is a call or two, and within a second of
 * the last fault all have to be in step, also those that wait for another participant to be.
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
      guards: { isLinkUp: () => this.isLinkUp, isDirectLive: () => this.#work?.isDirectLive ?? false },
      delays: { probe: ({ context }) => Math.min(MAX_PROBE_MS, backoffMs(time, context.failures)) },
    });
    this.#machine = createActor(machine, { parent: scope.self, id: 'connection' });
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** The machine's state: the mode, and within it as in `degraded.direct`. */
  get state(): string {
    if (!this.#isStarted && this.#mirrored) return this.#mirrored.state;
    const { value } = this.#machine.getSnapshot();
    if (!this.#isStarted || typeof value === 'string') return this.#mode;
    return Object.entries(value).flat().join('.');
  }

  /** Why the mode is what it is, for people. */
  get reason(): string {
    if (!this.#isStarted && this.#mirrored) return this.#mirrored.reason;
    return this.#machine.getSnapshot().context.reason;
  }

  get isLinkUp(): boolean {
    return this.#links.every(({ up }) => up);
  }

  /** Why a link is down, as far as is known. */
  get linkError(): TandemError | undefined {
    return this.#links.find(({ up, error }) => !up && error)?.error;
  }

  /** Lends the work; the machine starts with `start`. */
  employ(work: ConnectionWork): void {
    this.#work = work;
  }

  /** Until it starts, its state is that of a follower that stands in for it. */
  mirror(follower: Mirrored): void {
    this.#mirrored = follower;
  }

  start(): void {
    this.#isStarted = true;
    this.#unwatch = this.#links.map((link) => link.watch(() => this.#linkChanged()));
    this.#machine.subscribe(({ value, context }) => {
      this.enter(typeof value === 'string' ? value : 'degraded', context.reason);
    });
    this.#machine.start();
    // A warning that is known already waits until there can be someone who listens.
    this.#runtime.time.endOfTurn(() => this.#passOnWarnings());
  }

  /** Ends it for good: the mode is `stopped`. Idempotent. */
  stop(): void {
    for (const unwatch of this.#unwatch) unwatch();
    if (this.#isStarted) this.send({ type: 'stop' });
    else this.enter('stopped', 'stopped');
  }

  send(event: ConnectionEvent): void {
    this.#machine.send(event);
  }

  /** What memory holds and what the store holds do not fit together: observers hear of it, and the machine mends it. */
  gap(reason: string): void {
    this.#runtime.observers.tell('gap', { space: this.#space, role: this.#role, reason });
    this.send({ type: 'gap', reason });
  }

  /** The mode is this from now on. A standby's mode is that of its follower, and enters here without the machine. */
  enter(mode: Mode, reason: string): void {
    const from = this.#mode;
    if (mode === from) return;
    this.#mode = mode;
    this.#runtime.observers.tell('mode', { space: this.#space, role: this.#role, mode, from, reason });
    this.#work?.entered(mode);
    // First the event, then the snapshot: with `stopped` the actor is done, and emits no more.
    this.#reporter.emit({ type: 'mode', mode, from, reason } satisfies ModeEvent);
    this.#scope.self.send({ type: MODE_CHANGED });
  }

  get #links(): readonly Link[] {
    return this.#work?.links ?? [];
  }

  #linkChanged(): void {
    this.#passOnWarnings();
    if (this.isLinkUp) return this.send({ type: 'link.up' });
    const error = this.linkError;
    if (error === undefined) return;
    this.#reporter.report(error);
    this.send({ type: 'link.down', reason: error.message });
  }

  #passOnWarnings(): void {
    for (const { warning } of this.#links) if (warning !== undefined) this.#reporter.warn(warning);
  }

  async #catchUp(signal: AbortSignal): Promise<void> {
    await this.#untilLinksAreKnown(signal);
    signal.throwIfAborted();
    try {
      await this.#work?.catchUp(signal);
    } catch (error) {
      // A link that goes down reports by itself; a catch-up that was called off has nothing to report.
      if (!signal.aborted && this.isLinkUp) this.#reporter.report(error);
      throw error;
    }
  }

  /** At the start nobody knows yet whether Redis can be reached: that is no failure. */
  async #untilLinksAreKnown(signal: AbortSignal): Promise<void> {
    const isPending = (link: Link): boolean => !link.up && link.error === undefined;
    while (this.#links.some(isPending) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const unwatch = this.#links.map((link) => link.watch(settled));
        signal.addEventListener('abort', settled, { once: true });
        function settled(): void {
          for (const stop of unwatch) stop();
          resolve();
        }
      });
    }
  }
}
