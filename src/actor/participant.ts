/**
 * What owner and follower have in common: an XState actor with a connection machine, readings, and events.
 *
 * The participant is the only one that sends to its machine. The actor's snapshot holds the mode and the participant; values
 * never travel through events. Callbacks of the user's that throw are reported, and harm nobody else.
 */
import type {
  Actor,
  ActorLogic,
  ActorScope,
  ActorSystem,
  EventObject,
  Observer,
  Snapshot,
  Subscription,
} from 'xstate';
import { createActor, fromPromise } from 'xstate';
import type { ConnectionEvent } from '../../machines/connection.ts';
import type { Mode } from '../state/mode.ts';
import { connectionMachine } from '../../machines/connection.ts';
import { asTandemError, TandemError } from '../base/errors.ts';
import type { Role } from '../ports/observer.ts';
import { printPosition } from '../state/position.ts';
import type { Position } from '../state/position.ts';
import type { Proof, Reading } from '../state/reading.ts';
import type { Definition, KeyOf, Space, ValueOf } from '../state/space.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Link } from '../ports/store.ts';
import { backoffMs } from '../base/time.ts';
import { Waiters } from '../base/waiters.ts';

/** A participant of whichever kind and space. */
export type AnyParticipant = Participant<any, any>;

export type ModeEvent = {
  readonly type: 'mode';
  readonly mode: Mode;
  readonly from: Mode;
  readonly reason: string;
};
export type ErrorEvent = { readonly type: 'error'; readonly error: TandemError };
export type ParticipantEvent = EventObject;
// XState's own bound for a system; whose system it is does not matter here.
type AnySystem = ActorSystem<any>;

/** The mode, and the participant under its role's name: `snapshot.owner` or `snapshot.follower`. */
export type ParticipantSnapshot<R extends Role, T> = Snapshot<undefined> & { readonly mode: Mode } & {
  readonly [N in R]: T;
};
export type ParticipantLogic<R extends Role, T, E extends EventObject> = ActorLogic<
  ParticipantSnapshot<R, T>,
  ParticipantEvent,
  unknown,
  AnySystem,
  E
>;
export type ParticipantScope = ActorScope<ParticipantSnapshot<Role, never>, ParticipantEvent>;

/**
 * With its links up a participant tries again at least this often, ms: a try is a call or two, and within a second of the last
 * fault all have to be in step, also those who wait for somebody else to be.
 */
const MAX_PROBE_MS = 400;

/** Event of the participant to its own actor; nobody else sends it. */
const MODE_CHANGED = 'tandem.mode';

export abstract class Participant<D extends Definition, E extends EventObject> {
  readonly space: Space<D>;
  protected readonly runtime: Runtime;
  protected readonly waiters: Waiters;
  readonly #scope: ParticipantScope;
  readonly #connection: Actor<typeof connectionMachine>;
  #mode: Mode = 'recovering';
  #unwatchLinks: (() => void)[] = [];
  #lastError: TandemError | undefined;
  #isConnecting = false;
  readonly #warnings = new WeakSet<TandemError>();
  readonly #headWatchers = new Set<() => void>();

  constructor(space: Space<D>, runtime: Runtime, scope: ParticipantScope) {
    this.space = space;
    this.runtime = runtime;
    this.waiters = new Waiters(runtime.time);
    this.#scope = scope;
    const machine = connectionMachine.provide({
      actors: { catchUp: fromPromise(({ signal }) => this.#catchUpOnceLinked(signal)) },
      guards: { isLinkUp: () => this.#isLinkUp(), isDirectLive: () => this.isDirectLive },
      delays: { probe: ({ context }) => Math.min(MAX_PROBE_MS, backoffMs(runtime.time, context.failures)) },
    });
    this.#connection = createActor(machine, { parent: scope.self, id: 'connection' });
  }

  /** How this process stands with the space in Redis. */
  get mode(): Mode {
    return this.#mode;
  }

  /** The connection machine's state: the mode, and within it as in `degraded.direct`. */
  get state(): string {
    const { value } = this.#connection.getSnapshot();
    if (!this.#isConnecting || typeof value === 'string') return this.#mode;
    return Object.entries(value).flat().join('.');
  }

  /** Whether Redis can be reached, and if not, why not, as far as is known. */
  get link(): { readonly up: boolean; readonly error: TandemError | undefined } {
    const up = this.#isLinkUp();
    return { up, error: up ? undefined : this.links.find(({ up, error }) => !up && error)?.error };
  }

  /** Why the mode is what it is, for people. */
  get reason(): string {
    return this.#connection.getSnapshot().context.reason;
  }

  /** What it is in this process. */
  get role(): Role {
    return this.isOwner ? 'owner' : 'follower';
  }

  /** The newest position in this process, printed. */
  get head(): string {
    return printPosition(this.position);
  }

  /** How many keys hold a value. */
  abstract readonly size: number;
  /** What is known now of the truth of the state. */
  abstract readonly proof: Proof;
  /** Whether this participant is the space's owner, or would be. */
  abstract readonly isOwner: boolean;
  /** What is read now for a key. A key that holds nothing gives a reading whose value is `undefined`. */
  abstract get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>>;
  /** Readings of the keys that hold a value and begin with `prefix`; of all by default. */
  abstract entries(prefix?: string): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>>;
  /**
   * Readings of the keys that changed after a position, deleted ones without a value; `undefined` where nobody can
   * go on from there.
   */
  abstract readingsSince(from: Position): Reading[] | undefined;
  /** Where what is here was last found to be wrong: who is at this very place has to start over. */
  abstract readonly correctedAt: Position | undefined;
  /** Gives up: the participant is `stopped` for good, and answers from memory. */
  abstract stop(options?: { timeoutMs?: number }): Promise<void>;
  /**
   * Waits until the head of this process is at `position` or past it.
   * @param options timeoutMs default 1,000
   * @throws TandemError `INVALID_POSITION`, `TIMEOUT` or `STOPPED`
   */
  abstract waitFor(position: string, options?: { timeoutMs?: number }): Promise<void>;

  protected abstract readonly position: Position;
  protected abstract readonly links: readonly Link[];
  protected abstract catchUp(signal: AbortSignal): Promise<void>;
  protected abstract entered(mode: Mode): void;
  /** Whether the direct path delivers. */
  protected get isDirectLive(): boolean {
    return false;
  }

  /** An event from outside, sent to the actor. */
  abstract receive(event: ParticipantEvent): void;

  /** Called by the actor as it starts. */
  start(): void {
    this.runtime.registry.enter(this);
    this.runtime.observers.tell('opened', { space: this.space.name, role: this.role });
    this.connect();
  }

  /** Starts the connection machine. */
  protected connect(): void {
    this.#isConnecting = true;
    this.#unwatchLinks = this.links.map((link) => link.watch(() => this.#linkChanged()));
    this.#connection.subscribe(({ value, context }) => {
      this.enter(typeof value === 'string' ? value : 'degraded', context.reason);
    });
    this.#connection.start();
    // What is known already is told once there can be someone who listens.
    this.runtime.time.endOfTurn(() => this.#passOnWarnings());
  }

  /** Called as the participant ends, however it ends. Idempotent. */
  close(): void {
    for (const unwatch of this.#unwatchLinks) unwatch();
    this.waiters.refuse(new TandemError('STOPPED', `the actor of space "${this.space.name}" is stopped`));
    if (this.#isConnecting) this.tell({ type: 'stop' });
    else this.enter('stopped', 'stopped');
  }

  /** As of any XState actor; an observer that throws is reported. */
  subscribe(
    observer:
      ((snapshot: ParticipantSnapshot<Role, unknown>) => void) | Observer<ParticipantSnapshot<Role, unknown>>,
  ): Subscription {
    const whole: Observer<ParticipantSnapshot<Role, unknown>> =
      typeof observer === 'function' ? { next: observer } : observer;
    return this.#scope.self.subscribe({
      next: this.guarded('subscribe', (snapshot) => whole.next?.(snapshot)),
      error: this.guarded('subscribe', (error) => whole.error?.(error)),
      complete: () => this.guarded('subscribe', () => whole.complete?.())(undefined),
    });
  }

  getSnapshot(): ParticipantSnapshot<Role, unknown> {
    return this.#scope.self.getSnapshot();
  }

  send(event: ParticipantEvent): void {
    this.#scope.self.send(event);
  }

  /** Calls back for each emitted event of a type; a callback that throws is reported. */
  on<T extends E['type']>(type: T, callback: (event: Extract<E, { type: T }>) => void): Subscription {
    return this.#scope.self.on(type, this.guarded(`on('${type}')`, callback) as (event: EventObject) => void);
  }

  /** The callback, made harmless: what it throws, or rejects with, is reported. */
  protected guarded<A>(what: string, callback: (argument: A) => unknown): (argument: A) => void {
    const failed = (error: unknown): void => {
      // An error that comes from a callback for errors can be told to nobody.
      if (what !== "on('error')") this.report(asCallbackError(what, error));
    };
    return (argument) => {
      try {
        const result = callback(argument);
        if (result instanceof Promise) result.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  }

  /** Calls back when the head has moved, or may have. Returns the way to stop. */
  watchHead(callback: () => void): () => void {
    const own = this.guarded('watchHead', () => callback());
    const call = (): void => own(undefined);
    this.#headWatchers.add(call);
    return () => void this.#headWatchers.delete(call);
  }

  protected advanced(): void {
    if (this.#headWatchers.size > 0) for (const call of this.#headWatchers) call();
  }

  protected emit(event: E): void {
    this.#scope.emit(event);
  }

  /** Reports an error to whoever listens. */
  report(error: unknown): void {
    const told = asTandemError(error, 'CALLBACK_FAILED', 'unexpected');
    this.#lastError = told;
    const { code } = told;
    this.runtime.observers.tell('error', { space: this.space.name, role: this.role, code });
    this.#scope.emit({ type: 'error', error: told } as EventObject);
  }

  protected get lastError(): TandemError | undefined {
    return this.#lastError;
  }

  /** No longer listed in its process. */
  protected leave(): void {
    this.runtime.registry.leave(this);
  }

  /** The one sender of the connection machine. */
  protected tell(event: ConnectionEvent): void {
    this.#connection.send(event);
  }

  #isLinkUp(): boolean {
    return this.links.every(({ up }) => up);
  }

  #linkChanged(): void {
    this.#passOnWarnings();
    if (this.#isLinkUp()) return this.tell({ type: 'link.up' });
    const error = this.links.find(({ up, error }) => !up && error)?.error;
    if (error === undefined) return;
    this.report(error);
    this.tell({ type: 'link.down', reason: error.message });
  }

  /** Each once. A warning is no failure: it does not say why something else was late. */
  #passOnWarnings(): void {
    for (const { warning } of this.links) {
      if (warning === undefined || this.#warnings.has(warning)) continue;
      this.#warnings.add(warning);
      const { code } = warning;
      this.runtime.observers.tell('error', { space: this.space.name, role: this.role, code });
      this.#scope.emit({ type: 'error', error: warning } as EventObject);
    }
  }

  /** At the start nobody knows yet whether Redis can be reached: that is no failure. */
  async #catchUpOnceLinked(signal: AbortSignal): Promise<void> {
    const pending = (link: Link): boolean => !link.up && link.error === undefined;
    while (this.links.some(pending) && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const unwatch = this.links.map((link) => link.watch(settled));
        signal.addEventListener('abort', settled, { once: true });
        function settled(): void {
          for (const stop of unwatch) stop();
          resolve();
        }
      });
    }
    signal.throwIfAborted();
    try {
      await this.catchUp(signal);
    } catch (error) {
      // A link that goes down reports by itself; a catch-up that was called off has nothing to say.
      if (!signal.aborted && this.#isLinkUp()) this.report(error);
      throw error;
    }
  }

  /** The mode is this from now on. */
  protected enter(mode: Mode, reason: string): void {
    const from = this.#mode;
    if (mode === from) return;
    this.#mode = mode;
    this.runtime.observers.tell('mode', { space: this.space.name, role: this.role, mode, from, reason });
    this.entered(mode);
    // First the news, then the snapshot: with `stopped` the actor is done, and emits no more.
    this.#scope.emit({ type: 'mode', mode, from, reason } as EventObject);
    this.#scope.self.send({ type: MODE_CHANGED });
  }
}

function asCallbackError(what: string, error: unknown): TandemError {
  const because = error instanceof Error ? error.message : String(error);
  return new TandemError('CALLBACK_FAILED', `a callback given to ${what} failed: ${because}`, {
    cause: error,
  });
}

/** What the actor asks of its participant. */
type Acting = Pick<Participant<Definition, EventObject>, 'mode' | 'start' | 'stop' | 'receive' | 'report'>;

/** The actor logic around a participant, for `createActor`, `invoke` and `spawn`. */
export function participantLogic<R extends Role, T extends Acting, E extends EventObject>(
  role: R,
  make: (scope: ParticipantScope) => T,
): ParticipantLogic<R, T, E> {
  type S = ParticipantSnapshot<R, T>;
  const begin = (scope: unknown): S => {
    const participant = make(scope as ParticipantScope);
    const { mode } = participant;
    return { status: 'active', output: undefined, error: undefined, mode, [role]: participant };
  };
  return {
    getInitialSnapshot: begin,
    // A participant is what it has in Redis and in memory; a snapshot that was kept brings none of it back.
    restoreSnapshot: (_, scope) => begin(scope),
    start: (snapshot) => snapshot[role].start(),
    transition: (snapshot, event) => {
      const participant: T = snapshot[role];
      if (event.type === 'xstate.stop') {
        // The parent has stopped this actor, and waits for nobody: what is left to do is done behind it.
        participant.stop().catch((error: unknown) => participant.report(error));
        return { ...snapshot, status: 'stopped', mode: 'stopped' };
      }
      if (event.type === MODE_CHANGED) {
        const { mode } = participant;
        return { ...snapshot, mode, status: mode === 'stopped' ? 'done' : 'active' };
      }
      // A throw in here would end the actor.
      try {
        participant.receive(event);
      } catch (error) {
        participant.report(error);
      }
      return snapshot;
    },
    getPersistedSnapshot: ({ status, mode }) =>
      ({ status, mode, output: undefined, error: undefined }) as unknown as Snapshot<unknown>,
  };
}
