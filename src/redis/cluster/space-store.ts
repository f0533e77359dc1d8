/**
 * The store of one space in a Cluster: whichever shard has the slot of the space now. Its links are those of that
 * shard, so its participants know no other one.
 *
 * | what a node answers    | what it means                      | what is done                                     |
 * | ---------------------- | ---------------------------------- | ------------------------------------------------ |
 * | MOVED                  | the slot is elsewhere              | The slot map is asked for, and the call repeated |
 * | ASK, TRYAGAIN          | the slot is being moved            | The call is repeated after a pause               |
 * | CLUSTERDOWN            | the node serves nothing now        | The call fails; another node is asked            |
 *
 * None of them has done anything. After the time of one call it fails: not ready. What walks its changes once is
 * not repeated: whoever has them begins anew.
 *
 * A subscription that a shard has ended is renewed at the shard that has the slot by then. What was published
 * meanwhile is missing then: the next message, a heartbeat at the latest, shows the gap.
 */
import { TandemError } from '../../base/errors.ts';
import { pause } from '../../base/time.ts';
import type { Change } from '../../state/change.ts';
import type { Header } from '../../state/header.ts';
import type { Position } from '../../state/position.ts';
import type {
  Capacity,
  Claim,
  Committed,
  Cut,
  Deliver,
  HistoryPage,
  HistoryRequest,
  LargeCut,
  Outcome,
  Page,
  Replacement,
  SinceOptions,
  Store,
} from '../../ports/store.ts';
import type { Roster } from '../../ports/roster.ts';
import { unavailable } from '../errors.ts';
import type { RedisStore } from '../store.ts';
import { CAPACITY } from '../store.ts';
import type { Shard, Shards } from './shards.ts';
import { slotOf } from './slot.ts';
import { SpaceClock } from './space-clock.ts';
import { SpaceLink } from './space-link.ts';

type Side = 'commands' | 'subscriber';

/** Between two tries while a slot is being moved, ms. */
const AGAIN_MS = 20;
const NEVER = new AbortController().signal;

export class SpaceStore implements Store {
  readonly commands: SpaceLink;
  readonly subscriber: SpaceLink;
  /** The clock of the server that the space is on. */
  readonly clock: SpaceClock;
  readonly #space: string;
  readonly #slot: number;
  readonly #shards: Shards;
  readonly #deliveries = new Set<Deliver>();
  #shard: Shard | undefined;
  /** Links that are watched, and calls under way. */
  #uses = 0;
  #unwatch: (() => void) | undefined;
  #announces = false;
  #isToRenew = false;
  #isRenewing = false;

  constructor(space: string, shards: Shards) {
    this.#space = space;
    this.#slot = slotOf(space);
    this.#shards = shards;
    this.clock = new SpaceClock(shards.time, () => this.#shard?.clock);
    const link = (changed: () => void): SpaceLink =>
      new SpaceLink({
        time: shards.time,
        graceMs: shards.deadlineMs,
        why: () => shards.error,
        watched: (isWatched) => (isWatched ? this.#use() : this.#unuse()),
        changed,
      });
    this.commands = link(() => {});
    this.subscriber = link(() => this.#renewIfReady());
  }

  get capacity(): Capacity {
    return this.#shard?.store.capacity ?? CAPACITY;
  }

  get canAnnounce(): boolean {
    return this.commands.isReady && (this.#shard?.store.canAnnounce ?? false);
  }

  prepareToAnnounce(): void {
    this.#announces = true;
    this.#shard?.store.prepareToAnnounce();
  }

  announce(space: string, header: Header, changes: readonly Change[]): void {
    this.#shard?.store.announce(space, header, changes);
  }

  claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held' | 'late'>> {
    return this.#call('commands', (store) => store.claim(space, claim));
  }

  commit(space: string, cut: Cut): Promise<Committed> {
    return this.#call('commands', (store) => store.commit(space, cut));
  }

  commitTurn(
    space: string,
    cut: LargeCut,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    return this.#call('commands', (store) => store.commitTurn(space, cut), false);
  }

  settle(
    space: string,
    owner: string,
    epoch: number,
    leaseMs: number,
  ): Promise<Outcome<'settled', 'fenced' | 'head_moved' | 'keys_lost'>> {
    return this.#call('commands', (store) => store.settle(space, owner, epoch, leaseMs));
  }

  replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    return this.#call('commands', (store) => store.replaceAll(space, replacement), false);
  }

  since(space: string, position: Position, limit: number, options?: SinceOptions): Promise<Page> {
    return this.#call('commands', (store) => store.since(space, position, limit, options));
  }

  history(space: string, request: HistoryRequest): Promise<HistoryPage> {
    return this.#call('commands', (store) => store.history(space, request));
  }

  renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    return this.#call('commands', (store) => store.renew(space, owner, epoch, leaseMs));
  }

  release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void> {
    return this.#call('commands', (store) => store.release(space, owner, epoch, farewell));
  }

  remove(space: string, outwaited?: number): Promise<Outcome<'removed', 'held' | 'absent'>> {
    return this.#call('commands', (store) => store.remove(space, outwaited));
  }

  subscribe(space: string, deliver: Deliver): Promise<void> {
    this.#deliveries.add(deliver);
    return this.#call('subscriber', (store) => store.subscribe(space, deliver));
  }

  async unsubscribe(space: string, deliver: Deliver): Promise<void> {
    this.#deliveries.delete(deliver);
    await this.#shard?.store.unsubscribe(space, deliver);
  }

  /** The roster of the shard, for the store of the fleet's slot. */
  get roster(): Roster {
    return {
      write: (id, text, keptMs) => this.#call('commands', ({ roster }) => roster.write(id, text, keptMs)),
      read: () => this.#call('commands', ({ roster }) => roster.read()),
    };
  }

  #use(): void {
    this.#uses += 1;
    if (this.#unwatch !== undefined) return;
    this.#unwatch = this.#shards.watch((ended) =>
      ended ? this.#subscriptionsEnded(ended) : this.#mapChanged(),
    );
    this.#follow();
  }

  #unuse(): void {
    this.#uses -= 1;
    if (this.#uses > 0) return;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#switchTo(undefined);
  }

  #mapChanged(): void {
    this.#follow();
    // The links say why there is no shard.
    if (this.#shard !== undefined) return;
    this.commands.tell();
    this.subscriber.tell();
  }

  /** Goes to the shard that has the slot now. A slot without a master stays where it was. */
  #follow(): void {
    const address = this.#shards.masterOf(this.#slot);
    if (address !== undefined && address !== this.#shard?.address) this.#switchTo(address);
  }

  #switchTo(address: string | undefined): void {
    const before = this.#shard;
    const shard = address === undefined ? undefined : this.#shards.enter(address);
    this.#shard = shard;
    if (this.#announces) shard?.store.prepareToAnnounce();
    this.#isToRenew = this.#deliveries.size > 0;
    this.commands.follow(shard?.store.commands);
    this.subscriber.follow(shard?.store.subscriber);
    this.#renewIfReady();
    if (before === undefined) return;
    for (const deliver of this.#deliveries) before.store.unsubscribe(this.#space, deliver).catch(() => {});
    this.#shards.leave(before);
  }

  /** A shard has ended subscriptions, and does not say which: who is still subscribed there stays so. */
  #subscriptionsEnded(shard: Shard): void {
    if (shard !== this.#shard || this.#deliveries.size === 0) return;
    this.#isToRenew = true;
    this.#renewIfReady();
  }

  #renewIfReady(): void {
    if (this.#isToRenew && !this.#isRenewing && this.subscriber.isReady) void this.#renew();
  }

  async #renew(): Promise<void> {
    this.#isRenewing = true;
    try {
      while (this.#isToRenew) {
        this.#isToRenew = false;
        const again = (deliver: Deliver): Promise<void> =>
          this.#call('subscriber', (store) => store.subscribe(this.#space, deliver));
        await Promise.all([...this.#deliveries].map(again));
      }
    } catch {
      if (this.subscriber.up) this.subscriber.break();
    } finally {
      this.#isRenewing = false;
    }
  }

  /** @param mayRepeat whether the call can be made again */
  async #call<T>(side: Side, ask: (store: RedisStore) => Promise<T>, mayRepeat = true): Promise<T> {
    const { time, deadlineMs } = this.#shards;
    const giveUpAt = time.now() + deadlineMs;
    this.#use();
    try {
      for (;;) {
        const shard = this.#shard;
        const link = this[side];
        if (shard === undefined || (!link.isReady && !link.isMoving))
          throw link.error ?? unavailable('not connected to Redis yet');
        if (link.isReady) {
          try {
            return await ask(shard.store);
          } catch (error) {
            const why = await this.#redirected(error, shard);
            if (why === undefined) throw error;
            if (!mayRepeat || time.now() >= giveUpAt) throw notReady(why);
            if (this.#shard !== shard) continue;
          }
        }
        await pause(time, AGAIN_MS, NEVER);
      }
    } finally {
      this.#unuse();
    }
  }

  /** The error as it is, where the node has done nothing since the slot moves. */
  async #redirected(error: unknown, shard: Shard): Promise<TandemError | undefined> {
    if (!(error instanceof TandemError) || !(error.cause instanceof Error)) return undefined;
    const [, code] = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN) /.exec(error.cause.message) ?? [];
    if (code === 'CLUSTERDOWN') this.#shards.doubt();
    if (code === undefined || code === 'CLUSTERDOWN') return undefined;
    if (code === 'MOVED' && this.#shard === shard) await this.#shards.refresh(shard);
    return error;
  }
}

/** The slot moves, and it takes long: not done, and another try may succeed. */
function notReady({ message, cause }: TandemError): TandemError {
  return new TandemError('REDIS_NOT_READY', message.replace('Redis refused', 'Redis is not ready'), {
    cause,
  });
}
