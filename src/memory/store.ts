/**
 * The store in memory: one process's way to a `RedisModel`.
 *
 * A `ModelStore` says what is called. How calls travel is left to those who extend it: `MemoryStore` has
 * links of its own, which are up unless they are cut, and the simulator has sockets.
 */
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import { randomId } from '../base/time.ts';
import type { DeliverFrom, Finder } from '../ports/finder.ts';
import type { Roster } from '../ports/roster.ts';
import type {
  Capacity,
  Claim,
  Committed,
  Cut,
  Head,
  HistoryPage,
  HistoryRequest,
  LargeCut,
  Link,
  Outcome,
  Page,
  Replacement,
  SinceOptions,
  Store,
} from '../ports/store.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { MAX_FRAME_LENGTH } from '../state/frame.ts';
import { MAX_TURN_CHANGES } from '../state/part.ts';
import type { Position } from '../state/position.ts';
import { MemoryLink } from './link.ts';
import type { RedisModel } from './redis-model.ts';

/** A whole state is staged so many changes at a time. */
const STAGE_PORTION = 1_000;
/** The keys of a turn are settled so many at a time. */
const SETTLE_PORTION = 500;

export abstract class ModelStore implements Store {
  readonly canAnnounce = true;
  readonly capacity: Capacity = {
    usual: 1_000,
    changes: 2_000,
    length: MAX_FRAME_LENGTH,
    mostChanges: MAX_TURN_CHANGES,
  };
  abstract readonly commands: Link;
  abstract readonly subscriber: Link;
  protected readonly time: Time;
  protected readonly server: RedisModel;
  readonly #clock: ServerClock | undefined;
  readonly #stagePortion: number;
  readonly #settlePortion: number;
  readonly #deadlineMs: number;

  constructor(options: MemoryStoreOptions) {
    const { server, time, clock, deadlineMs = Infinity } = options;
    const { stagePortion = STAGE_PORTION, settlePortion = SETTLE_PORTION } = options;
    this.server = server;
    this.time = time;
    this.#clock = clock;
    this.#stagePortion = stagePortion;
    this.#settlePortion = settlePortion;
    this.#deadlineMs = deadlineMs;
  }

  abstract subscribe(space: string, deliver: (message: string) => void): Promise<void>;
  abstract unsubscribe(space: string, deliver: (message: string) => void): Promise<void>;
  /** Brings a call to the server, runs it there, and brings back what it returned. */
  protected abstract roundTrip<R>(run: () => R, isWrite: boolean): Promise<R>;

  claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held' | 'late'>> {
    const notAfter = (this.#clock?.latest() ?? Infinity) + this.#deadlineMs;
    return this.#ask(() => this.server.claim(space, { notAfter, ...claim }), true);
  }

  commit(space: string, cut: Cut): Promise<Committed> {
    return this.#ask(() => this.server.commit(space, cut), true);
  }

  announce(space: string, header: Header, changes: readonly Change[]): void {
    this.roundTrip(() => this.server.announce(space, header, changes), false).catch(() => {});
  }

  async commitTurn(
    space: string,
    cut: LargeCut,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const attempt = randomId(this.time);
    const staged = { size: 0, indexed: 0, parts: 0 };
    for (const portion of portionsOf(cut.changes, this.#stagePortion)) {
      if (portion.length === 0 && staged.parts > 0) continue;
      const part = { attempt, isFirst: staged.parts === 0, portion, part: staged.parts + 1 };
      const { outcome, head } = await this.#ask(() => this.server.stage(space, cut, part), true);
      if (outcome !== 'staged') return { outcome, head };
      staged.parts += 1;
      staged.indexed += portion.length;
      staged.size += portion.filter(({ json }) => json !== '').length;
    }
    return this.#ask(() => this.server.flip(space, cut, attempt, staged), true);
  }

  settle(
    space: string,
    owner: string,
    epoch: number,
    leaseMs: number,
  ): Promise<Outcome<'settled', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const settler = { owner, epoch, leaseMs };
    return this.#ask(() => this.server.settle(space, settler, this.#settlePortion), true);
  }

  async replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const attempt = randomId(this.time);
    let isFirst = true;
    for (const portion of portionsOf(replacement.whole, this.#stagePortion)) {
      const part = { attempt, isFirst, portion };
      const { outcome, head } = await this.#ask(() => this.server.stage(space, replacement, part), true);
      if (outcome !== 'staged') return { outcome, head };
      isFirst = false;
    }
    return this.#ask(() => this.server.replaceAll(space, replacement, attempt), true);
  }

  since(space: string, position: Position, limit: number, options: SinceOptions = {}): Promise<Page> {
    return this.#ask(() => this.server.since(space, position, limit, options), false);
  }

  history(space: string, request: HistoryRequest): Promise<HistoryPage> {
    return this.#ask(() => this.server.history(space, request), false);
  }

  async renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    await this.roundTrip(() => this.server.renew(space, owner, epoch, leaseMs), true);
  }

  async release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void> {
    await this.roundTrip(() => this.server.release(space, owner, epoch, farewell), true);
  }

  remove(space: string, outwaited?: number): Promise<Outcome<'removed', 'held' | 'absent'>> {
    return this.#ask(() => this.server.remove(space, outwaited), true);
  }

  async #ask<R extends { readonly head?: Head }>(ask: () => R, isWrite: boolean): Promise<R> {
    const sentAt = this.time.now();
    const reply = await this.roundTrip(ask, isWrite);
    if (reply.head) this.#clock?.sample(sentAt, reply.head.now, this.time.now());
    return reply;
  }
}

export interface MemoryStoreOptions {
  readonly server: RedisModel;
  readonly time: Time;
  /** Each reply is a sample for it. */
  readonly clock?: ServerClock;
  /** How many changes are staged in one call. Default 1,000. */
  readonly stagePortion?: number;
  /** How many keys of a turn are settled in one call. Default 500. */
  readonly settlePortion?: number;
  /** A claim that arrives later than this is not granted, ms. Default `Infinity`. */
  readonly deadlineMs?: number;
}

export class MemoryStore extends ModelStore implements Store {
  readonly commands = new MemoryLink();
  readonly subscriber = new MemoryLink();
  readonly finder: Finder = {
    names: (start) => this.roundTrip(() => ({ names: this.server.names(start) })),
    present: (names) => this.roundTrip(() => this.server.present(names)),
    subscribe: (start, deliver) => this.#subscribeAll(start, deliver),
    unsubscribe: async (_, deliver) => this.#unsubscribeAll(deliver),
  };
  readonly roster: Roster = {
    write: (id, text, keptMs) => this.roundTrip(() => this.server.roster.write(id, text, keptMs)),
    read: () => this.roundTrip(() => this.server.roster.read()),
  };
  /** As the server knows them, by who listens: gone with the link. */
  readonly #patterns = new Map<DeliverFrom, DeliverFrom>();
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  /** By space, as the server knows them: gone with the link. */
  readonly #subscriptions = new Map<string, (message: string) => void>();

  constructor(options: MemoryStoreOptions) {
    super(options);
    this.subscriber.watch(() => {
      if (!this.subscriber.up) this.forgetSubscriptions();
    });
  }

  /** The server forgets all subscriptions of this store: as the connection goes, or without a word. */
  forgetSubscriptions(): void {
    for (const [space, deliver] of this.#subscriptions) this.server.unsubscribe(space, deliver);
    this.#subscriptions.clear();
    for (const deliver of this.#patterns.keys()) this.#unsubscribeAll(deliver);
  }

  /** Takes both links away. Calls under way end without a reply. */
  cut(why?: string): void {
    this.commands.cut(why);
    this.subscriber.cut(why);
  }

  /** Gives both links back. */
  mend(): void {
    this.commands.mend();
    this.subscriber.mend();
  }

  /** One way, to the server or from it. What is sent later over a link arrives later. */
  protected travel(_link: MemoryLink): Promise<void> {
    return new Promise((resolve) => this.time.nextTurn(resolve));
  }

  async subscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const listeners = this.#listeners.get(space) ?? new Set();
    this.#listeners.set(space, listeners.add(deliver));
    await this.#overLink(this.subscriber, () => {
      if (this.#subscriptions.has(space)) return;
      const subscription = this.#subscription(space);
      this.#subscriptions.set(space, subscription);
      this.server.subscribe(space, subscription);
    });
  }

  async unsubscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const listeners = this.#listeners.get(space);
    listeners?.delete(deliver);
    if (listeners?.size !== 0) return;
    this.#listeners.delete(space);
    if (!this.subscriber.up) return;
    await this.#overLink(this.subscriber, () => {
      const subscription = this.#subscriptions.get(space);
      if (subscription === undefined) return;
      this.#subscriptions.delete(space);
      this.server.unsubscribe(space, subscription);
    });
  }

  protected override roundTrip<R>(run: () => R): Promise<R> {
    return this.#overLink(this.commands, run);
  }

  /**
   * Cut on its way there, a call was not carried out; on its way back, it was. Its caller cannot know which.
   */
  async #overLink<R>(link: MemoryLink, run: () => R): Promise<R> {
    const { generation } = link;
    const requireLink = (): void => {
      if (link.error !== undefined) throw link.error;
      if (link.generation !== generation) throw new TandemError('REDIS_UNAVAILABLE', 'the link was cut');
    };
    requireLink();
    await this.travel(link);
    requireLink();
    const reply = run();
    await this.travel(link);
    requireLink();
    return reply;
  }

  #subscribeAll(start: string, deliver: DeliverFrom): Promise<void> {
    return this.#overLink(this.subscriber, () => {
      if (this.#patterns.has(deliver)) return;
      const { generation } = this.subscriber;
      const subscription: DeliverFrom = (space, message) => {
        void this.travel(this.subscriber).then(() => this.#arriveFrom(space, message, generation, deliver));
      };
      this.#patterns.set(deliver, subscription);
      this.server.subscribeAll(start, subscription);
    });
  }

  #unsubscribeAll(deliver: DeliverFrom): void {
    const subscription = this.#patterns.get(deliver);
    if (subscription !== undefined) this.server.unsubscribeAll(subscription);
    this.#patterns.delete(deliver);
  }

  #arriveFrom(space: string, message: string, generation: number, deliver: DeliverFrom): void {
    if (this.subscriber.generation === generation) deliver(space, message);
  }

  #subscription(space: string): (message: string) => void {
    const { generation } = this.subscriber;
    return (message) => {
      void this.travel(this.subscriber).then(() => this.#arrive(space, message, generation));
    };
  }

  #arrive(space: string, message: string, generation: number): void {
    if (this.subscriber.generation !== generation) return;
    for (const deliver of this.#listeners.get(space) ?? []) deliver(message);
  }
}

/** There is always a first portion, which clears a stage that was abandoned; and the last one may be empty. */
function* portionsOf(changes: Iterable<Change>, most: number): Generator<readonly Change[]> {
  let portion: Change[] = [];
  for (const change of changes) {
    portion.push(change);
    if (portion.length < most) continue;
    yield portion;
    portion = [];
  }
  yield portion;
}
