/**
 * The base of owner and follower, as users see both: mode, waiting and events. Their readings are in `Readings`.
 *
 * `Owner` and `Follower` make the parts that do the work. Those parts share the objects in `context`.
 */
import type { EventObject, Observer, Subscription } from 'xstate';
import type { Obstacle, TandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import { Waiters } from '../base/waiters.ts';
import type { Role } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Mode } from '../state/mode.ts';
import type { Position } from '../state/position.ts';
import { compare, parsePosition, printPosition } from '../state/position.ts';
import type { Proof, Reading, Row } from '../state/reading.ts';
import type { HistoryRequest } from '../ports/store.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import { ConnectionDriver } from './connection-driver.ts';
import type { Context } from './context.ts';
import { HeadWatchers } from './head-watchers.ts';
import type { CheckedQuery, History, HistoryQuery } from '../ports/history.ts';
import { checkedQuery, readHistory } from '../ports/history.ts';
import { Listeners } from './listeners.ts';
import type { ParticipantEvent, ParticipantScope, ParticipantSnapshot } from './logic.ts';
import { obstacleOf } from './obstacle.ts';
import type { OwnerIdentity, Status, Watched } from './proof-watch.ts';
import { ProofWatch } from './proof-watch.ts';
import { Readings } from './readings.ts';
import { Reporter } from './reporter.ts';
import type { Stopped } from './stopped.ts';
import { WrongTypes } from './wrong-types.ts';

/** A participant of any role and any space: what owners and followers have in common. */
export type AnyParticipant = Participant<any, any>;

/** An owner or a follower of one space, as `tandem.own` and `tandem.follow` return it. */
export abstract class Participant<D extends Definition, E extends EventObject>
  extends Readings<D>
  implements AsyncDisposable
{
  /** The space. */
  readonly space: Space<D>;
  /** What this participant is in the space: `owner`, also as a standby, or `follower`. */
  readonly role: Role;
  protected readonly context: Context;
  readonly #scope: ParticipantScope;
  readonly #listeners: Listeners;
  readonly #taps: ((event: EventObject) => void)[] = [];

  /**
   * @param lookMs the longest time between two looks at the proof, ms: where it may end without a moment that
   *   is known before. Default Infinity
   */
  constructor(role: Role, space: Space<D>, runtime: Runtime, scope: ParticipantScope, lookMs = Infinity) {
    super();
    this.space = space;
    this.role = role;
    this.#scope = scope;
    this.#listeners = new Listeners(scope.self);
    const reporter = new Reporter(space.name, role, runtime, (event) => {
      for (const tap of this.#taps) tap(event);
      scope.emit(event);
    });
    this.context = {
      space: space.name,
      runtime,
      reporter,
      connection: new ConnectionDriver(space.name, role, runtime, scope, reporter),
      waiters: new Waiters(runtime.time, () => this.#obstacle()),
      heads: new HeadWatchers(),
      wrongTypes: new WrongTypes(space.name, reporter),
      proofWatch: new ProofWatch(runtime.time, reporter, this.#watched(lookMs)),
      ended: new AbortController(),
    };
  }

  /** Whether this is an owner: also one that still claims its space, or has lost it. */
  get isOwner(): boolean {
    return this.role === 'owner';
  }

  /**
   * The state of this participant's connection to its space in Redis: `recovering`, `connected`, `degraded`
   * or `stopped`.
   */
  get mode(): Mode {
    return this.context.connection.mode;
  }

  /**
   * The connection machine's state: the mode, with the inner state where there is one, as in
   * `degraded.direct`.
   */
  get state(): string {
    return this.context.connection.state;
  }

  /** The reason of the mode, for people. */
  get reason(): string {
    return this.context.connection.reason;
  }

  /**
   * Whether all connections to Redis that this participant needs are up; if not, the error, where one is
   * known.
   */
  get link(): { readonly up: boolean; readonly error: TandemError | undefined } {
    const { isLinkUp: up, linkError } = this.context.connection;
    return { up, error: up ? undefined : linkError };
  }

  /**
   * Whether this process has no Redis, and follows other processes.
   * @internal
   */
  get isUpstream(): boolean {
    return this.context.runtime.upstream !== undefined;
  }

  /**
   * Whether no outage has ended within the last so many ms.
   * @internal
   */
  hasBeenBackFor(ms: number): boolean {
    return this.context.runtime.time.now() - this.context.connection.backAt >= ms;
  }

  /**
   * What readings say of the whole state now, and since when: as the last events of this participant said it.
   */
  get status(): Status {
    return this.context.proofWatch.status;
  }

  /**
   * For a standby, which tells what its follower tells.
   * @internal
   */
  get proofWatch(): ProofWatch {
    return this.context.proofWatch;
  }

  /** The newest position in memory, as `epoch-revision`. The epoch is 0 before the first claim or sync. */
  get head(): string {
    return printPosition(this.position);
  }

  /**
   * The proof of how current the state is.
   * @internal
   */
  abstract readonly proof: Proof;
  /**
   * The rows of the keys that changed after a position, oldest change first; the value of a deleted key
   * is `undefined`. The result is `undefined` where a reader cannot go on from that position.
   * @internal
   */
  abstract rowsSince(from: Position): Row[] | undefined;
  /**
   * Whether a reader can go on from a position: whether `rowsSince` has a result.
   * @internal
   */
  abstract canContinue(from: Position): boolean;
  /**
   * The position at which this copy was last found wrong: a reader at exactly this position must start
   * over.
   * @internal
   */
  abstract readonly correctedAt: Position | undefined;
  /**
   * Stops for good: the mode is `stopped`. Readings still come from memory, and become `stale`.
   * @param options.timeoutMs ms; a follower needs none
   * @returns what Redis never confirmed; of a follower nothing
   */
  abstract stop(options?: { timeoutMs?: number }): Promise<Stopped>;
  /**
   * Handles an event that was sent to the actor from outside.
   * @internal
   */
  abstract receive(event: ParticipantEvent): void;

  /** When a revision was set, on the server's clock, ms; `undefined` where it is not known. */
  protected abstract timeOf(revision: number): number | undefined;

  protected abstract readonly position: Position;
  /**
   * The owner of the space; `'asked'` while Redis is asked for it, `undefined` where it cannot be known.
   * @internal
   */
  abstract readonly ownerIdentity: OwnerIdentity | 'asked' | undefined;

  /** What only this participant knows of what a wait waits for, each in words: see `obstacleOf`. */
  protected abstract readonly obstacles: readonly string[];

  #obstacle(): Obstacle {
    const { connection, reporter, runtime } = this.context;
    const { links, mode, reason } = connection;
    return obstacleOf(
      { links, mode, reason, store: runtime.store, lastError: reporter.lastError },
      this.obstacles,
    );
  }

  /** The proof as it is at each look: an owner's may be another one later. */
  #watched(lookMs: number): Watched {
    const proof = (): Proof => this.proof;
    const identity = (): OwnerIdentity | 'asked' | undefined => this.ownerIdentity;
    return {
      lookMs,
      get proof() {
        return proof();
      },
      get ownerIdentity() {
        return identity();
      },
    };
  }

  /**
   * Like `rowsSince`, but with readings.
   * @internal
   */
  readingsSince(from: Position): Reading[] | undefined {
    return this.rowsSince(from)?.map((row) => row.reading);
  }

  /** Stops, as `await using` does at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /**
   * Called by the actor as it starts.
   * @internal
   */
  start(): void {
    const { space, runtime } = this.context;
    runtime.registry.enter(this);
    this.context.proofWatch.start();
    runtime.observers.tell('opened', { space, role: this.role });
  }

  /**
   * Resolves once the head is at `position` or past it.
   * @param position `epoch-revision`
   * @param options.timeoutMs ms; default 1,000
   * @throws TandemError `INVALID_POSITION`, `INVALID_OPTION`, `TIMEOUT` or `STOPPED`; an owner's also
   *   `FENCED` or `OWNED_ELSEWHERE`
   */
  async waitFor(position: string, { timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const awaited = parsePosition(position);
    // planted: wait
    const isThere = (): boolean => compare(this.position, awaited) >= 0;
    const what = `space "${this.space.name}" did not come to ${position}`;
    await this.context.waiters.wait(isThere, what, timeoutMs);
  }

  /**
   * Reads from Redis which values a key had, newest first, where its owner keeps a history. Of the values that it
   * had between two commits only the last one is there.
   * @throws TandemError `UNKNOWN_KEY`, `INVALID_OPTION`; `HISTORY_OFF` where nobody has kept any; `REDIS_UNAVAILABLE`,
   *   `REDIS_NOT_READY` or `REDIS_REFUSED`
   */
  async history<K extends KeyOf<D>>(key: K, query: HistoryQuery = {}): Promise<History<K, ValueOf<D, K>>> {
    this.space.requireSchema(key);
    return this.#history(key, checkedQuery(query)) as Promise<History<K, ValueOf<D, K>>>;
  }

  /**
   * The same, of all keys.
   * @internal
   */
  historyOfAll(query: HistoryQuery = {}): Promise<History> {
    return this.#history(undefined, checkedQuery(query));
  }

  #history(key: string | undefined, query: CheckedQuery): Promise<History> {
    const { space, runtime } = this.context;
    const source = {
      space,
      ask: (request: HistoryRequest) => runtime.store.history(space, request),
      timeOf: (revision: number) => this.timeOf(revision),
      read: (name: string, json: string) => this.space.read(name, json),
    };
    return readHistory(source, key, query);
  }

  /**
   * Subscribes to the snapshots of the actor. An error that the observer throws becomes an `error` event.
   */
  subscribe(
    observer:
      ((snapshot: ParticipantSnapshot<Role, unknown>) => void) | Observer<ParticipantSnapshot<Role, unknown>>,
  ): Subscription {
    const { reporter } = this.context;
    const whole: Observer<ParticipantSnapshot<Role, unknown>> =
      typeof observer === 'function' ? { next: observer } : observer;
    return this.#scope.self.subscribe({
      next: reporter.guard('subscribe', (snapshot) => inRoot(() => whole.next?.(snapshot))),
      error: reporter.guard('subscribe', (error) => inRoot(() => whole.error?.(error))),
      complete: () => reporter.guard('subscribe', () => inRoot(() => whole.complete?.()))(undefined),
    });
  }

  /** The current snapshot of the actor: the mode, and this participant. */
  getSnapshot(): ParticipantSnapshot<Role, unknown> {
    return this.#scope.self.getSnapshot();
  }

  /**
   * Sends an event to the actor. An owner handles `set`, `delete` and `stop`; a follower `refresh` and
   * `stop`.
   */
  send(event: EventObject): void {
    this.#scope.self.send(event);
  }

  /**
   * Calls back with each event of a type. An error that the callback throws becomes an `error` event; one
   * of an `error` callback is dropped.
   * @param type one of `OwnerEmitted` or `FollowerEmitted`, such as `'error'`
   * @returns a subscription, whose `unsubscribe()` ends the calls
   */
  on<T extends E['type']>(type: T, callback: (event: Extract<E, { type: T }>) => void): Subscription {
    const guarded = this.context.reporter.guard(`on('${type}')`, (event: Extract<E, { type: T }>) =>
      inRoot(callback, event),
    );
    return this.#scope.self.on(type, guarded as (event: EventObject) => void);
  }

  /**
   * Whether somebody listens for events of this type.
   * @internal
   */
  isHeard(type: E['type']): boolean {
    return this.#listeners.hears(type);
  }

  /**
   * Calls back with each event, before those who listen. It does not count as listening.
   * @internal
   */
  tap(callback: (event: EventObject) => void): void {
    this.#taps.push(callback);
  }

  protected override onEvent(type: string, callback: () => void): Subscription {
    return this.#scope.self.on(type, () => inRoot(callback));
  }

  /**
   * Calls back when the head has moved, or may have moved.
   * @returns a function that ends the calls
   */
  watchHead(callback: () => void): () => void {
    const guarded = this.context.reporter.guard('watchHead', () => callback());
    return this.context.heads.add(() => guarded(undefined));
  }

  /**
   * Emits an `error` event for anything that was thrown.
   * @internal
   */
  report(error: unknown): void {
    this.context.reporter.report(error);
  }

  /**
   * Wraps a user's callback: what it throws is reported.
   * @param name the call that was given the callback
   * @internal
   */
  guard<A>(name: string, callback: (argument: A) => unknown): (argument: A) => void {
    return this.context.reporter.guard(name, callback);
  }
}
