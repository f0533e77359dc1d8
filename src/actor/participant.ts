/**
 * What users see of a participant, be it an owner or a follower: its mode, its readings, its events.
 *
 * The parts that do the work are made by the subclass, and share what stands in `context`.
 */
import type { EventObject, Observer, Subscription } from 'xstate';
import type { TandemError } from '../base/errors.ts';
import { Waiters } from '../base/waiters.ts';
import type { Role } from '../ports/observer.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Mode } from '../state/mode.ts';
import type { Position } from '../state/position.ts';
import { compare, parsePosition, printPosition } from '../state/position.ts';
import type { Proof, Reading } from '../state/reading.ts';
import type { Definition, KeyOf, ValueOf } from '../state/definition.ts';
import type { Space } from '../state/space.ts';
import { ConnectionDriver } from './connection-driver.ts';
import { HeadWatchers } from './head-watchers.ts';
import type { ParticipantEvent, ParticipantScope, ParticipantSnapshot } from './logic.ts';
import { Reporter } from './reporter.ts';

/** What the parts of one participant share. */
export interface Context {
  readonly space: string;
  readonly runtime: Runtime;
  readonly reporter: Reporter;
  readonly connection: ConnectionDriver;
  readonly waiters: Waiters;
  readonly heads: HeadWatchers;
}

/** A participant of whichever role and space. */
export type AnyParticipant = Participant<any, any>;

export abstract class Participant<D extends Definition, E extends EventObject> {
  readonly space: Space<D>;
  readonly role: Role;
  protected readonly context: Context;
  readonly #scope: ParticipantScope;

  constructor(role: Role, space: Space<D>, runtime: Runtime, scope: ParticipantScope) {
    this.space = space;
    this.role = role;
    this.#scope = scope;
    const reporter = new Reporter(space.name, role, runtime.observers, (event) => scope.emit(event));
    this.context = {
      space: space.name,
      runtime,
      reporter,
      connection: new ConnectionDriver(space.name, role, runtime, scope, reporter),
      waiters: new Waiters(runtime.time),
      heads: new HeadWatchers(),
    };
  }

  /** Whether this participant is the space's owner, or wants to be. */
  get isOwner(): boolean {
    return this.role === 'owner';
  }

  /** How this process stands with the space in Redis. */
  get mode(): Mode {
    return this.context.connection.mode;
  }

  /** The connection machine's state: the mode, and within it as in `degraded.direct`. */
  get state(): string {
    return this.context.connection.state;
  }

  /** Why the mode is what it is, for people. */
  get reason(): string {
    return this.context.connection.reason;
  }

  /** Whether Redis can be reached, and if not, why not, as far as is known. */
  get link(): { readonly up: boolean; readonly error: TandemError | undefined } {
    const { isLinkUp: up, linkError } = this.context.connection;
    return { up, error: up ? undefined : linkError };
  }

  /** The newest position in this process, printed. */
  get head(): string {
    return printPosition(this.position);
  }

  /** How many keys hold a value. */
  abstract readonly size: number;
  /** How current the state is, as far as is known now. */
  abstract readonly proof: Proof;
  /** The reading of a key. A key that holds nothing gives a reading whose value is `undefined`. */
  abstract get<K extends KeyOf<D>>(key: K): Reading<K, ValueOf<D, K>>;
  /** Readings of the keys that hold a value and begin with `prefix`; of all by default. */
  abstract entries(prefix?: string): Iterable<Reading<KeyOf<D>, ValueOf<D, KeyOf<D>>>>;
  /**
   * Readings of the keys that changed after a position, deleted ones without a value; `undefined` where nobody can
   * go on from there.
   */
  abstract readingsSince(from: Position): Reading[] | undefined;
  /** Where this copy was last found to be wrong: a reader at this very place has to start over. */
  abstract readonly correctedAt: Position | undefined;
  /** Gives up: the participant is `stopped` for good, and answers from memory. */
  abstract stop(options?: { timeoutMs?: number }): Promise<void>;
  /** An event from outside, sent to the actor. */
  abstract receive(event: ParticipantEvent): void;

  protected abstract readonly position: Position;

  /** Called by the actor as it starts. */
  start(): void {
    const { space, runtime } = this.context;
    runtime.registry.enter(this);
    runtime.observers.tell('opened', { space, role: this.role });
  }

  /**
   * Waits until the head of this process is at `position` or past it.
   * @param options timeoutMs default 1,000
   * @throws TandemError `INVALID_POSITION`, `TIMEOUT` or `STOPPED`
   */
  async waitFor(position: string, { timeoutMs = 1_000 }: { timeoutMs?: number } = {}): Promise<void> {
    const awaited = parsePosition(position);
    // planted: wait
    const isThere = (): boolean => compare(this.position, awaited) >= 0;
    const what = `space "${this.space.name}" did not come to ${position}`;
    await this.context.waiters.wait(isThere, what, timeoutMs);
  }

  /** As of any XState actor; an observer that throws is reported. */
  subscribe(
    observer:
      ((snapshot: ParticipantSnapshot<Role, unknown>) => void) | Observer<ParticipantSnapshot<Role, unknown>>,
  ): Subscription {
    const { reporter } = this.context;
    const whole: Observer<ParticipantSnapshot<Role, unknown>> =
      typeof observer === 'function' ? { next: observer } : observer;
    return this.#scope.self.subscribe({
      next: reporter.guard('subscribe', (snapshot) => whole.next?.(snapshot)),
      error: reporter.guard('subscribe', (error) => whole.error?.(error)),
      complete: () => reporter.guard('subscribe', () => whole.complete?.())(undefined),
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
    const guarded = this.context.reporter.guard(`on('${type}')`, callback);
    return this.#scope.self.on(type, guarded as (event: EventObject) => void);
  }

  /** Calls back when the head has moved, or may have. Returns the way to stop. */
  watchHead(callback: () => void): () => void {
    const guarded = this.context.reporter.guard('watchHead', () => callback());
    return this.context.heads.add(() => guarded(undefined));
  }

  /** Reports an error to those who listen. */
  report(error: unknown): void {
    this.context.reporter.report(error);
  }
}
