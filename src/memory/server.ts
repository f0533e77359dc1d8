/**
 * What Redis must do, in memory: the same checks, outcomes and messages as the scripts in `src/redis/scripts`, in
 * the same order. The contract suite holds it and Redis to one contract; `model-agrees.test.ts` holds the two
 * against each other call by call.
 *
 * A `MemoryServer` holds the spaces and knows the time. A `ModelStore` is one process's way to it: the calls are
 * here, how they travel is for those who extend it. `MemoryStore` has links of its own that are up unless cut. All
 * waiting goes through `Time`, so under a fake time everything here is deterministic.
 */
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { decodePage, encodeChanges } from '../state/change.ts';
import { encodeFence } from '../state/fence.ts';
import { encodeFrame, MAX_FRAME_LENGTH } from '../state/frame.ts';
import type { Position } from '../state/position.ts';
import { isSame, ZERO } from '../state/position.ts';
import type {
  Capacity,
  Claim,
  Committed,
  Cut,
  Head,
  Link,
  Outcome,
  Page,
  SinceOptions,
  Store,
  Replacement,
} from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { randomId } from '../base/time.ts';

/** The server's clock where the local one is at zero. */
const EPOCH_MS = 1_764_000_000_000;
/** A page ends early when its values have grown to this, in bytes; they are fetched so many at a time. */
const LARGE_PAGE = 1024 * 1024;
const PAGE_PORTION = 16;
/** A whole state is staged so many changes at a time. */
const STAGE_PORTION = 1_000;
/** An epoch further than this past the server's clock is no epoch of ours. */
const FAR_MS = 86_400_000;

type Fenced = 'fenced' | 'head_moved';
type Written = Outcome<'committed', Fenced | 'keys_lost'>;

/** The keys of one space: `state` and `index`, and beside them what is being staged. */
class Contents {
  readonly state = new Map<string, string>();
  readonly index = new Map<string, number>();

  apply(changes: readonly Change[]): void {
    for (const { key, revision, json } of changes) {
      this.index.set(key, revision);
      if (json === '') this.state.delete(key);
      else this.state.set(key, json);
    }
  }

  copy(): Contents {
    const copy = new Contents();
    for (const [key, json] of this.state) copy.state.set(key, json);
    for (const [key, revision] of this.index) copy.index.set(key, revision);
    return copy;
  }

  inOrder(): [key: string, revision: number][] {
    return [...this.index].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1));
  }
}

export class MemorySpace {
  meta = {
    fence: 0,
    epoch: 0,
    revision: 0,
    base: ZERO,
    size: 0,
    indexed: 0,
    horizon: 0,
    cutAt: 0,
    owner: '',
    ownerName: '',
  };
  live = new Contents();
  next: Contents | undefined;
  /** The replacement that what is staged belongs to. */
  attempt: string | undefined;

  copy(): MemorySpace {
    const copy = new MemorySpace();
    copy.meta = this.meta;
    copy.live = this.live.copy();
    copy.next = this.next?.copy();
    copy.lease = this.lease;
    copy.attempt = this.attempt;
    return copy;
  }
  lease: { readonly owner: string; readonly epoch: number; readonly until: number } | undefined;
}

export class MemoryServer {
  readonly #time: Time;
  readonly #spaces = new Map<string, MemorySpace>();
  readonly #subscriptions = new Map<string, Set<(message: string) => void>>();
  /** The time stands still for as long as a script runs, and is known to the microsecond. */
  #now = EPOCH_MS;

  constructor(time: Time) {
    this.#time = time;
  }

  now(): number {
    return Math.floor((EPOCH_MS + this.#time.now()) * 1000) / 1000;
  }

  /** What is held of a space, to look at, and to harm by hand. */
  space(name: string): MemorySpace {
    const space = this.#spaces.get(name) ?? new MemorySpace();
    this.#spaces.set(name, space);
    return space;
  }

  /** Loses everything, as a server started again empty; or all of one space. */
  wipe(name?: string): void {
    if (name === undefined) this.#spaces.clear();
    else this.#spaces.delete(name);
  }

  /** Remembers what is held of a space. What is returned brings it back, as a failover to a replica that lags does. */
  remember(name: string): () => void {
    const kept = this.space(name).copy();
    return () => void this.#spaces.set(name, kept.copy());
  }

  // ---- the scripts ----

  claim(name: string, { owner, ownerName, known, leaseMs }: Claim): Outcome<'claimed', 'held'> {
    const space = this.#begin(name);
    if (this.#hasRival(space, owner, known)) return this.#reply(space, 'held');
    const fence = Math.max(space.meta.fence + 1, known + 1, Math.floor(this.#now));
    space.meta = { ...space.meta, fence, owner, ownerName };
    this.#renew(space, owner, fence, leaseMs);
    this.#tell(name, encodeFence(this.#now, fence));
    return this.#reply(space, 'claimed');
  }

  announce(name: string, header: Header, changes: readonly Change[]): void {
    this.#tell(name, encodeFrame(header.cutAt, header, changes));
  }

  commit(name: string, cut: Cut): Committed {
    const space = this.#begin(name);
    const { meta, live } = space;
    const refusal = this.#refusal(space, cut);
    if (refusal !== undefined) return this.#reply(space, refusal);
    const isHead = isSame(cut.prev, meta) && (!cut.isLight || meta.epoch === cut.epoch);
    if (!(isHead && cut.isLight) && hasLostKeys(space)) return this.#reply(space, 'keys_lost');
    if (!isHead) return this.#reply(space, 'head_moved');

    const { state, index } = live;
    const before = { size: state.size, indexed: index.size };
    if (!cut.isLight) for (const key of cut.dropped) index.delete(key);
    live.apply(cut.changes);
    const size = meta.size + state.size - before.size;
    const indexed = meta.indexed + index.size - before.indexed;
    if (cut.isLight) space.meta = { ...meta, revision: cut.revision, cutAt: cut.cutAt, size, indexed };
    else this.#finish(space, cut, size, indexed);
    if (cut.isAnnounced !== true)
      this.publish(name, { ...cut, ...cut.measures, prev: cut.prev.revision, bye: false }, cut.changes);
    return cut.isLight ? { outcome: 'committed' } : this.#reply(space, 'committed');
  }

  stage(
    name: string,
    writer: Pick<Replacement, 'owner' | 'epoch' | 'leaseMs'>,
    { attempt, isFirst, portion }: { attempt: string; isFirst: boolean; portion: readonly Change[] },
  ): Outcome<'staged', Fenced> {
    const space = this.#begin(name);
    const refusal = this.#refusal(space, writer);
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (isFirst) {
      space.attempt = attempt;
      space.next = undefined;
    } else if (space.attempt !== attempt) {
      return this.#reply(space, 'head_moved');
    }
    (space.next ??= new Contents()).apply(portion);
    this.#renew(space, writer.owner, writer.epoch, writer.leaseMs);
    return this.#reply(space, 'staged');
  }

  replaceAll(name: string, replacement: Replacement, attempt: string): Written {
    const space = this.#begin(name);
    const refusal = this.#refusal(space, replacement);
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (space.attempt !== attempt) return this.#reply(space, 'head_moved');
    const next = space.next ?? new Contents();
    const size = replacement.changes.reduce((sum, { json }) => sum + (json === '' ? 0 : 1), 0);
    if (next.state.size !== size || next.index.size !== replacement.changes.length)
      return this.#reply(space, 'keys_lost');

    space.live = next;
    space.next = undefined;
    this.#finish(space, replacement, size, replacement.changes.length);
    this.publish(name, { ...replacement, prev: replacement.revision, bye: false }, []);
    return this.#reply(space, 'committed');
  }

  since(name: string, position: Position, limit: number, { horizon = 0, seen = 0 }: SinceOptions): Page {
    const space = this.#begin(name);
    const { live } = space;
    const { fence } = space.meta;
    if (fence !== 0 && seen > fence && seen < this.#now + FAR_MS) space.meta = { ...space.meta, fence: seen };

    const { meta } = space;
    const continues =
      position.epoch === meta.epoch ||
      (position.epoch === meta.base.epoch && position.revision <= meta.base.revision);
    const full = !continues || meta.horizon > Math.max(position.revision, horizon);
    const from = full ? 0 : position.revision;
    if (limit === 0) return { head: this.#head(space), full, more: false, changes: [] };

    const found = live.inOrder().filter(([, revision]) => revision > from);
    const told: Change[] = [];
    let count = 0;
    let bytes = 0;
    while (count < Math.min(limit, found.length) && bytes < LARGE_PAGE) {
      for (const [key, revision] of found.slice(count, Math.min(count + PAGE_PORTION, limit))) {
        const json = live.state.get(key) ?? '';
        told.push({ key: key.includes('\n') ? '' : key, revision, json: json.replaceAll('\n', '\t') });
        count += 1;
        bytes += Buffer.byteLength(json);
      }
    }
    const { changes, isSound } = decodePage(encodeChanges(told));
    const head = this.#head(space);
    const more = count === limit || count < found.length;
    return { head: isSound ? head : { ...head, keysLost: true }, full, more, changes };
  }

  renew(name: string, owner: string, epoch: number, leaseMs: number): void {
    const space = this.#begin(name);
    if (this.#refusal(space, { owner, epoch }) === undefined) this.#renew(space, owner, epoch, leaseMs);
  }

  release(name: string, owner: string, epoch: number, farewell?: Header): void {
    const space = this.#begin(name);
    if (this.#refusal(space, { owner, epoch }) !== undefined) return;
    space.lease = undefined;
    if (farewell) this.publish(name, farewell, []);
    space.meta = { ...space.meta, owner: '' };
  }

  // ---- what is published ----

  subscribe(name: string, deliver: (message: string) => void): void {
    const subscriptions = this.#subscriptions.get(name) ?? new Set();
    this.#subscriptions.set(name, subscriptions.add(deliver));
  }

  unsubscribe(name: string, deliver: (message: string) => void): void {
    this.#subscriptions.get(name)?.delete(deliver);
  }

  /** Also for what nobody of ours would publish. */
  publish(name: string, header: Header, changes: readonly Change[]): void {
    this.#tell(name, encodeFrame(this.#now, header, changes));
  }

  #tell(name: string, message: string): void {
    for (const deliver of this.#subscriptions.get(name) ?? []) deliver(message);
  }

  // ---- what the scripts share ----

  #begin(name: string): MemorySpace {
    this.#now = this.now();
    return this.space(name);
  }

  #head(space: MemorySpace): Head {
    const { indexed: _, ...meta } = space.meta;
    const leftMs = (this.#lease(space)?.until ?? 0) - this.#now;
    const leaseMs = leftMs > 0 ? Math.max(1, Math.ceil(leftMs)) : 0;
    // Counted along where a value had come by hand, it may fall below nothing: no number to a reader.
    const size = Math.max(0, meta.size);
    return { ...meta, size, leaseMs, keysLost: hasLostKeys(space), now: this.#now };
  }

  #reply<O extends string>(space: MemorySpace, outcome: O): { outcome: O; head: Head } {
    return { outcome, head: this.#head(space) };
  }

  #lease(space: MemorySpace): MemorySpace['lease'] {
    return space.lease !== undefined && space.lease.until > this.#now ? space.lease : undefined;
  }

  #hasRival(space: MemorySpace, owner: string, known: number): boolean {
    const lease = this.#lease(space);
    return lease !== undefined && lease.owner !== owner && lease.epoch >= known;
  }

  #refusal(space: MemorySpace, writer: { owner: string; epoch: number }): Fenced | undefined {
    const { fence, owner } = space.meta;
    if (fence === writer.epoch && owner === writer.owner && fence !== 0) return undefined;
    if (this.#hasRival(space, writer.owner, writer.epoch)) return 'fenced';
    return fence > writer.epoch && owner !== writer.owner ? 'fenced' : 'head_moved';
  }

  #renew(space: MemorySpace, owner: string, epoch: number, leaseMs: number): void {
    space.lease = { owner, epoch, until: this.#now + leaseMs };
  }

  #finish(space: MemorySpace, cut: Replacement, size: number, indexed: number): void {
    const { epoch, revision, base, horizon, cutAt } = cut;
    space.meta = { ...space.meta, epoch, revision, base, horizon, cutAt, size, indexed };
    this.#renew(space, cut.owner, epoch, cut.leaseMs);
  }
}

function hasLostKeys({ meta, live }: MemorySpace): boolean {
  return meta.epoch > meta.fence || live.state.size !== meta.size || live.index.size !== meta.indexed;
}

/** A link that is up until it is cut. */
export class MemoryLink implements Link {
  readonly #watchers = new Set<() => void>();
  #error: TandemError | undefined;
  /** Tells what was asked before a cut from what was asked after it. */
  #generation = 0;

  get up(): boolean {
    return this.#error === undefined;
  }

  get error(): TandemError | undefined {
    return this.#error;
  }

  get generation(): number {
    return this.#generation;
  }

  watch(changed: () => void): () => void {
    // Each watch is its own, also of one function.
    const own = (): void => changed();
    this.#watchers.add(own);
    return () => void this.#watchers.delete(own);
  }

  cut(message = 'the link is cut'): void {
    this.#error = new TandemError('REDIS_UNAVAILABLE', message, { retryable: true });
    this.#generation += 1;
    for (const changed of this.#watchers) changed();
  }

  mend(): void {
    this.#error = undefined;
    for (const changed of this.#watchers) changed();
  }
}

/** How calls travel to a `MemoryServer` and back is for others to say; what is called is said here. */
export abstract class ModelStore implements Store {
  readonly canAnnounce = true;
  readonly capacity: Capacity = { changes: 4_000, length: MAX_FRAME_LENGTH, mostChanges: 10_000 };
  abstract readonly commands: Link;
  abstract readonly subscriber: Link;
  protected readonly time: Time;
  protected readonly server: MemoryServer;
  readonly #clock: ServerClock | undefined;
  readonly #stagePortion: number;

  constructor({ server, time, clock, stagePortion = STAGE_PORTION }: MemoryStoreOptions) {
    this.server = server;
    this.time = time;
    this.#clock = clock;
    this.#stagePortion = stagePortion;
  }

  abstract subscribe(space: string, deliver: (message: string) => void): Promise<void>;
  abstract unsubscribe(space: string, deliver: (message: string) => void): Promise<void>;
  /** Brings a call to the server, runs it there, and brings back what it gave. */
  protected abstract roundTrip<R>(run: () => R, isWrite: boolean): Promise<R>;

  claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held'>> {
    return this.#ask(() => this.server.claim(space, claim), true);
  }

  commit(space: string, cut: Cut): Promise<Committed> {
    return this.#ask(() => this.server.commit(space, cut), true);
  }

  announce(space: string, header: Header, changes: readonly Change[]): void {
    this.roundTrip(() => this.server.announce(space, header, changes), false).catch(() => {});
  }

  async replaceAll(space: string, replacement: Replacement): Promise<Written> {
    const attempt = randomId(this.time);
    // As Redis's, with a last portion that may be empty: the first is what clears an abandoned stage.
    for (let from = 0; from <= replacement.changes.length; from += this.#stagePortion) {
      const portion = replacement.changes.slice(from, from + this.#stagePortion);
      const part = { attempt, isFirst: from === 0, portion };
      const { outcome, head } = await this.#ask(() => this.server.stage(space, replacement, part), true);
      if (outcome !== 'staged') return { outcome, head };
    }
    return this.#ask(() => this.server.replaceAll(space, replacement, attempt), true);
  }

  since(space: string, position: Position, limit: number, options: SinceOptions = {}): Promise<Page> {
    return this.#ask(() => this.server.since(space, position, limit, options), false);
  }

  async renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    await this.roundTrip(() => this.server.renew(space, owner, epoch, leaseMs), true);
  }

  async release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void> {
    await this.roundTrip(() => this.server.release(space, owner, epoch, farewell), true);
  }

  async #ask<R extends { readonly head?: Head }>(ask: () => R, isWrite: boolean): Promise<R> {
    const sentAt = this.time.now();
    const reply = await this.roundTrip(ask, isWrite);
    if (reply.head) this.#clock?.sample(sentAt, reply.head.now, this.time.now());
    return reply;
  }
}

export interface MemoryStoreOptions {
  readonly server: MemoryServer;
  readonly time: Time;
  /** Fed by each reply, where there is one. */
  readonly clock?: ServerClock;
  /** How many changes are staged in one call. Default 1,000. */
  readonly stagePortion?: number;
}

export class MemoryStore extends ModelStore {
  readonly commands = new MemoryLink();
  readonly subscriber = new MemoryLink();
  readonly #listeners = new Map<string, Set<(message: string) => void>>();
  /** What the server holds of this store's subscriptions; gone with the link. */
  readonly #subscriptions = new Map<string, (message: string) => void>();

  constructor(options: MemoryStoreOptions) {
    super(options);
    this.subscriber.watch(() => {
      if (!this.subscriber.up) this.forgetSubscriptions();
    });
  }

  /** As when the server loses them: with the connection, or without a word. */
  forgetSubscriptions(): void {
    for (const [space, deliver] of this.#subscriptions) this.server.unsubscribe(space, deliver);
    this.#subscriptions.clear();
  }

  /** One way, to the server or from it. What is sent later on a link arrives later. */
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

  /** Cut on the way there, nothing was done; on the way back, it was: who asked cannot know which. */
  async #overLink<R>(link: MemoryLink, run: () => R): Promise<R> {
    const { generation } = link;
    const requireLink = (): void => {
      if (link.error !== undefined) throw link.error;
      if (link.generation !== generation)
        throw new TandemError('REDIS_UNAVAILABLE', 'the link was cut', { retryable: true });
    };
    requireLink();
    await this.travel(link);
    requireLink();
    const reply = run();
    await this.travel(link);
    requireLink();
    return reply;
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
