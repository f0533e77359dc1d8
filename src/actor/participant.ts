/**
 * The base of owner and follower, as users see both: mode, readings, waiting and events.
 *
 * `Owner` and `Follower` make the parts that do the work. Those parts share the objects in `context`.
 */
import type { EventObject, Observer, Subscription } from 'xstate';
import type { TandemError } from '../base/errors.ts';
import { inRoot } from '../base/root.ts';
import { Waiters } from '../base/waiters.ts';
import type { Role } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Mode } from '../state/mode.ts';
import type { Position } from '../state/position.ts';
import { compare, parsePosition, printPosition } from '../state/position.ts';
import type { Proof, Reading, Row } from '../state/reading.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import { ConnectionDriver } from './connection-driver.ts';
import { HeadWatchers } from './head-watchers.ts';
import type { ParticipantEvent, ParticipantScope, ParticipantSnapshot } from './logic.ts';
import type { OwnerIdentity, Status, Watched } from './proof-watch.ts';
import { ProofWatch } from './proof-watch.ts';
import { Reporter } from './reporter.ts';
import { WrongTypes } from './wrong-types.ts';

/** The objects that all parts of one participant share. */
export interface Context {
  readonly space: string;
  readonly runtime: Runtime;
  readonly reporter: Reporter;
  readonly connection: ConnectionDriver;
  readonly waiters: Waiters;
  readonly heads: HeadWatchers;
  readonly wrongTypes: WrongTypes;
  readonly proofWatch: ProofWatch;
}

/** A change that Redis is not known to hold. */
export interface Uncommitted {
  readonly key: string;
  /** `undefined` for a delete. */
  readonly value: unknown;
  /** The position of the change, `epoch-revision`. */
  readonly position: string;
}

/** The result of `stop`. */
export interface Stopped {
  /**
   * The changes that Redis never confirmed, oldest first; empty when all were committed. A change whose
   * commit got no answer in time is among them, and may be in Redis all the same.
   */
  readonly uncommitted: readonly Uncommitted[];
}

/** A participant of any role and any space. */
export type AnyParticipant = Participant<any, any>;

/** An owner or a follower of one space, as `tandem.own` and `tandem.follow` return it. */
export abstract class Participant<D extends Definition, E extends EventObject> {
  readonly space: Space<D>;
  readonly role: Role;
  protected readonly context: Context;
  readonly #scope: ParticipantScope;

  /**
   * @param lookMs the longest time between two looks at the proof, ms: where it may end without a moment that
   *   is known before. Default Infinity
   */
  constructor(role: Role, space: Space<D>, runtime: Runtime, scope: ParticipantScope, lookMs = Infinity) {
    this.space = space;
    this.role = role;
    this.#scope = scope;
    const reporter = new Reporter(space.name, role, runtime, (event) => scope.emit(event));
    this.context = {
      space: space.name,
      runtime,
      reporter,
      connection: new ConnectionDriver(space.name, role, runtime, scope, reporter),
      waiters: new Waiters(runtime.time),
      heads: new HeadWatchers(),
      wrongTypes: new WrongTypes(space.name, reporter),
      proofWatch: new ProofWatch(runtime.time, reporter, this.#watched(lookMs)),
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
   * What readings say of the whole state now, and since when: as the last events of this participant said it.
   */
  get status(): Status {
    return this.context.proofWatch.status;
  }

  /** For a standby, which tells what its follower tells. */
  get proofWatch(): ProofWatch {
    return this.context.proofWatch;
  }

  /** The newest position in memory, as `epoch-revision`. The epoch is 0 before the first claim or sync. */
  get head(): string {
    return printPosition(this.position);
  }

  /** The number of keys that hold a value. */
  abstract readonly size: number;
  /** The proof of how current the state is. */
  abstract readonly proof: Proof;
  /**
   * The reading of a key. The value is `undefined` for a key that holds nothing.
   * @throws TandemError `UNKNOWN_KEY`
   */
  abstract get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>>;
  /** Like `entries`, but with rows, which cost a tenth of readings. */
  abstract rows(prefix?: string): Iterable<Row<KeyOf<D>, ValueOf<D, KeyOf<D>>>>;
  /**
   * The rows of the keys that changed after a position, oldest change first; the value of a deleted key
   * is `undefined`. The result is `undefined` where a reader cannot go on from that position.
   */
  abstract rowsSince(from: Position): Row[] | undefined;
  /** Whether a reader can go on from a position: whether `rowsSince` has a result. */
  abstract canContinue(from: Position): boolean;
  /**
   * The rows that `rowsSince` has, as they are at the first step, for a walk in slices: the state may change
   * meanwhile. An entry that has no row gives `undefined`, so that the walk can rest there, too. A walk that
   * is not ended has to be closed.
   * @param from a position at which `canContinue` holds; default: all rows
   */
  abstract snapshotRows(from?: Position): Generator<Row | undefined, void, void>;
  /**
   * The position at which this copy was last found wrong: a reader at exactly this position must start
   * over.
   */
  abstract readonly correctedAt: Position | undefined;
  /**
   * Stops for good: the mode is `stopped`. Readings still come from memory, and become `stale`.
   * @param options timeoutMs: ms; a follower needs none
   * @returns what Redis never confirmed; of a follower nothing
   */
  abstract stop(options?: { timeoutMs?: number }): Promise<Stopped>;
  /** Handles an event that was sent to the actor from outside. */
  abstract receive(event: ParticipantEvent): void;

  protected abstract readonly position: Position;
  /** The owner of the space; `'asked'` while Redis is asked for it, `undefined` where it cannot be known. */
  abstract readonly ownerIdentity: OwnerIdentity | 'asked' | undefined;

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
   * The readings of the keys that hold a value.
   * @param prefix only of keys that begin with it; default all
   */
  *entries(prefix = ''): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>> {
    for (const row of this.rows(prefix)) yield row.reading;
  }

  /** Like `rowsSince`, but with readings. */
  readingsSince(from: Position): Reading[] | undefined {
    return this.rowsSince(from)?.map((row) => row.reading);
  }

  /** Called by the actor as it starts. */
  start(): void {
    const { space, runtime } = this.context;
    runtime.registry.enter(this);
    this.context.proofWatch.start();
    runtime.observers.tell('opened', { space, role: this.role });
  }

  /**
   * Resolves once the head is at `position` or past it.
   * @param position `epoch-revision`
   * @param options timeoutMs: ms; default 1,000
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
  send(event: ParticipantEvent): void {
    this.#scope.self.send(event);
  }

  /**
   * Calls back with each event of a type. An error that the callback throws becomes an `error` event; one
   * of an `error` callback is dropped.
   */
  on<T extends E['type']>(type: T, callback: (event: Extract<E, { type: T }>) => void): Subscription {
    const guarded = this.context.reporter.guard(`on('${type}')`, (event: Extract<E, { type: T }>) =>
      inRoot(callback, event),
    );
    return this.#scope.self.on(type, guarded as (event: EventObject) => void);
  }

  /**
   * Calls back when the head has moved, or may have moved.
   * @returns a function that ends the calls
   */
  watchHead(callback: () => void): () => void {
    const guarded = this.context.reporter.guard('watchHead', () => callback());
    return this.context.heads.add(() => guarded(undefined));
  }

  /** Emits an `error` event for anything that was thrown. */
  report(error: unknown): void {
    this.context.reporter.report(error);
  }
}
