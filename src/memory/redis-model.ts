/**
 * What Redis must do, in memory: the same checks, outcomes and messages as the scripts in
 * `src/redis/scripts`, in the same order. The contract suite holds it and Redis to one contract.
 * `model-agrees.test.ts` holds the two against each other call by call.
 *
 * It holds the spaces. All its time comes from `Time`, so under a fake time it is deterministic.
 */
import type {
  Claim,
  Committed,
  Cut,
  CutHead,
  Head,
  HistoryChange,
  HistoryPage,
  HistoryRequest,
  LargeCut,
  Outcome,
  Page,
  Replacement,
  SinceOptions,
  WrongType,
} from '../ports/store.ts';
import type { DeliverFrom } from '../ports/finder.ts';
import { headerOf, turnHeaderOf } from '../ports/cut-header.ts';
import type { Time } from '../base/time.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { ownerAfter } from '../state/header.ts';
import { decodePage, encodeChanges, sizeOf } from '../state/change.ts';
import { encodeFence, encodeRemoval } from '../state/fence.ts';
import { encodeFrame } from '../state/frame.ts';
import { encodePartLine } from '../state/part.ts';
import { encodeTime } from '../state/wire-time.ts';
import type { Position } from '../state/position.ts';
import { isSame } from '../state/position.ts';
import type { KeyName, MemoryLease, Recorded } from './contents.ts';
import type { History } from './history.ts';
import { MemoryRoster } from './roster.ts';
import { Contents, hasAddedKeys, hasLostKeys, isInForce, MemorySpace, TYPES } from './contents.ts';

/** The server's clock where the local one is at zero, ms since 1970, by default. */
const ZERO_MS = 1_764_000_000_000;
/** The greatest size of a page of several changes, bytes of keys and values. */
const MOST_IN_PAGE = 512 * 1024;
/** An epoch further than this ahead of the server's clock, a century, is none of ours. */
const FAR_MS = 3_155_760_000_000;
/**
 * An expiry is computed from two times, and one of them is rounded in Redis: it may differ by this much, ms.
 */
const ROUNDING_MS = 2;
/** The keys that each script is given: all, or those that are live. */
const ALL = Object.keys(TYPES) as KeyName[];
const SHORT = ALL.slice(0, 5);
const LIVE = ALL.slice(0, 6);
const TURN = ALL.slice(6, 8);
const NEXT = ALL.slice(8);
const WITH_TURN = ALL.slice(0, 8);
/** The entries that one page of history looks at. */
const MOST_HISTORY = 1_000;
/** Keys are settled up to so many bytes of values at a time. */
const LARGE_SETTLE = 256 * 1024;
const NO_WRONG_TYPES: readonly WrongType[] = [];

type Fenced = 'fenced' | 'head_moved';
type Written = Outcome<'committed', Fenced | 'keys_lost'>;

export class RedisModel {
  readonly #time: Time;
  readonly #pageBytes: number;
  readonly #history: History | undefined;
  readonly #spaces = new Map<string, MemorySpace>();
  readonly #subscriptions = new Map<string, Set<(message: string) => void>>();
  /** What the processes say of themselves. */
  readonly roster: MemoryRoster;
  /** What the names of the spaces begin with, by who is subscribed to them. */
  readonly #patterns = new Map<DeliverFrom, string>();
  /** The server's time, to the microsecond: it stands still while a script runs. */
  #now = 0;
  /** The server's clock less the local one, ms. */
  #aheadMs: number;
  /** The keys of another type, as they were when the present script began. */
  #wrongTypes: readonly WrongType[] = [];
  /** Whether the present script is given the keys of the turn. */
  #knowsTurn = false;

  constructor(time: Time, { pageBytes = MOST_IN_PAGE, zeroMs = ZERO_MS, history }: ModelOptions = {}) {
    this.#time = time;
    this.roster = new MemoryRoster(() => this.now());
    this.#history = history;
    this.#aheadMs = zeroMs;
    this.#pageBytes = pageBytes;
  }

  now(): number {
    return Math.floor((this.#aheadMs + this.#time.now()) * 1000) / 1000;
  }

  /** Sets the server's clock ahead by so much, ms; back by a negative number. */
  setClock(byMs: number): void {
    this.#aheadMs += byMs;
  }

  /** What the server holds of a space: to look at, and to harm by hand. */
  space(name: string): MemorySpace {
    const space = this.#spaces.get(name) ?? new MemorySpace(this.#history);
    this.#spaces.set(name, space);
    return space;
  }

  /** Loses all of one space; or everything, as a server that was started again empty. */
  wipe(name?: string): void {
    const kept = [...this.#spaces];
    this.#history?.note(() => {
      for (const [name, space] of kept) this.#spaces.set(name, space);
    });
    if (name === undefined) {
      this.#spaces.clear();
      this.roster.wipe();
    } else this.#spaces.delete(name);
  }

  /**
   * Remembers what it holds of a space. The function that it returns brings that back, as a failover to a
   * lagging replica.
   */
  remember(name: string): () => void {
    const kept = this.space(name).copy();
    return () => void this.#spaces.set(name, kept.copy());
  }

  // ---- the scripts ----

  claim(name: string, claim: Claim): Outcome<'claimed', 'held' | 'late'> {
    const { owner, ownerName, known, leaseMs, notAfter = Infinity, takesOver = false } = claim;
    const space = this.#begin(name, ALL);
    if (this.#now > notAfter) return this.#reply(space, 'late');
    const isHeld = this.#hasRival(space, owner, known) || this.#mayHaveHolder(space, claim);
    // planted: claim-rival
    if (isHeld && !this.#isOutwaited(space, claim.outwaited) && !takesOver) return this.#reply(space, 'held');
    const { foreign } = space;
    space.isSizeLost ||= foreign.has('meta') || foreign.has('state') || foreign.has('index');
    foreign.clear();
    if (!isInForce(space)) space.turn = new Contents(this.#history);
    space.next = undefined;
    // planted: claim-epoch
    const fence = Math.max(space.meta.fence + 1, known + 1, Math.floor(this.#now));
    space.meta = { ...space.meta, fence, leaseMs, owner, ownerName, removedAt: 0 };
    this.#renew(space, owner, fence, leaseMs);
    this.#send(name, encodeFence(this.#now, fence));
    return this.#reply(space, 'claimed');
  }

  announce(name: string, header: Header, changes: readonly Change[]): void {
    this.#send(name, encodeFrame(header.cutAt, header, changes));
  }

  commit(name: string, cut: Cut): Committed {
    const space = this.#begin(name, cut.history === undefined ? SHORT : LIVE);
    const { meta, live } = space;
    // planted: commit-refusal
    const refusal = this.#refusal(space, cut);
    if (refusal !== undefined) return this.#reply(space, refusal);
    const isHead = isSame(cut.prev, meta) && (!cut.isLight || meta.epoch === cut.epoch);
    if (!(isHead && cut.isLight) && hasLostKeys(space, false)) return this.#reply(space, 'keys_lost');
    // planted: commit-head
    if (!isHead) return this.#reply(space, 'head_moved');

    if (cut.changes.length > 0 && this.#meetsForeign(space, cut.changes))
      return this.#reply(space, 'keys_lost');
    const { state, index } = live;
    const before = { size: state.size, indexed: index.size };
    if (!cut.isLight) live.drop(cut.dropped);
    live.apply(cut.changes);
    const size = meta.size + state.size - before.size;
    const indexed = meta.indexed + index.size - before.indexed;
    const recorded = this.#record(space, cut, cut.changes, cut.isLight !== true);
    const isTimesForeign = space.foreign.has('times') && cut.allTimes === undefined;
    if (!isTimesForeign) keepTimes(space, cut);
    if (cut.isLight) space.meta = { ...recorded, revision: cut.revision, cutAt: cut.cutAt, size, indexed };
    else this.#finish(space, cut, size, indexed);
    if (cut.isAnnounced !== true) this.publish(name, headerOf(cut, cut.prev.revision), cut.changes);
    if (cut.isLight) return { outcome: 'committed' };
    const timesLength = isTimesForeign ? -1 : (space.times?.length ?? 0);
    const wrongTypes = this.#wrongTypes.filter(({ key }) => key.endsWith(':lease'));
    const head = { ...this.#head(space), unsettled: 0, wrongTypes };
    return { outcome: 'committed', timesLength, head };
  }

  stage(
    name: string,
    writer: Pick<CutHead, 'owner' | 'epoch' | 'base' | 'leaseMs'>,
    { attempt, isFirst, portion, part }: StagedPortion,
  ): Outcome<'staged', Fenced> {
    const space = this.#begin(name, ALL);
    const refusal = this.#refusal(space, writer);
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (part !== undefined && isInForce(space)) return this.#reply(space, 'head_moved');
    const { foreign } = space;
    const keys = part === undefined ? NEXT : TURN;
    if (isFirst) {
      space.attempt = attempt;
      if (part === undefined) space.next = undefined;
      else space.turn = new Contents(this.#history);
      for (const key of keys) foreign.delete(key);
    } else if (space.attempt !== attempt) {
      return this.#reply(space, 'head_moved');
    }
    if (portion.length > 0 && keys.some((key) => foreign.has(key))) return this.#reply(space, 'head_moved');
    (part === undefined ? (space.next ??= new Contents(this.#history)) : space.turn).apply(portion);
    const { owner, epoch, leaseMs } = writer;
    this.#renew(space, owner, epoch, leaseMs);
    if (part !== undefined) {
      const line = encodePartLine({ epoch, base: writer.base, attempt, number: part });
      this.#send(name, `${encodeTime(this.#now)}\n${line}${encodeChanges(portion)}`);
    }
    return this.#reply(space, 'staged');
  }

  flip(name: string, cut: LargeCut, attempt: string, { size, indexed, parts }: Staged): Written {
    const space = this.#begin(name, WITH_TURN);
    const refusal = this.#refusal(space, cut);
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (hasLostKeys(space, true)) return this.#reply(space, 'keys_lost');
    if (!isSame(cut.prev, space.meta) || isInForce(space) || space.attempt !== attempt)
      return this.#reply(space, 'head_moved');
    const { turn, foreign, meta } = space;
    const isWhole = turn.state.size === size && turn.index.size === indexed;
    if (!isWhole || TURN.some((key) => foreign.has(key))) return this.#reply(space, 'keys_lost');

    const recorded = this.#record(space, cut, [], false);
    space.meta = { ...recorded, turnSize: size, turnIndexed: indexed, turnRevision: cut.revision };
    keepTimes(space, cut);
    this.#finish(space, cut, meta.size, meta.indexed);
    this.publish(name, turnHeaderOf(cut, { attempt, parts }), []);
    return this.#reply(space, 'committed');
  }

  settle(
    name: string,
    { owner, epoch, leaseMs }: Pick<Cut, 'owner' | 'epoch' | 'leaseMs'>,
    most: number,
  ): Outcome<'settled', Fenced | 'keys_lost'> {
    const space = this.#begin(name, WITH_TURN);
    const refusal = this.#refusal(space, { owner, epoch });
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (!isInForce(space)) return this.#reply(space, 'settled');
    if (hasLostKeys(space, true)) return this.#reply(space, 'keys_lost');

    const { live, turn, meta } = space;
    const before = { size: live.state.size, indexed: live.index.size };
    let bytes = 0;
    for (const [key, revision] of turn.inOrder().slice(0, most)) {
      if (bytes >= LARGE_SETTLE) break;
      const json = turn.state.get(key) ?? '';
      if (meta.historyAt >= meta.turnRevision) this.#recordChange(space, { key, revision, json }, '');
      // planted: settle-newer
      if ((live.index.get(key) ?? 0) < revision) live.apply([{ key, revision, json }]);
      turn.remove(key);
      bytes += Buffer.byteLength(json);
    }
    const size = meta.size + live.state.size - before.size;
    const indexed = meta.indexed + live.index.size - before.indexed;
    space.meta = { ...meta, size, indexed, turnSize: turn.state.size, turnIndexed: turn.index.size };
    this.#renew(space, owner, epoch, leaseMs);
    return this.#reply(space, 'settled');
  }

  replaceAll(name: string, replacement: Replacement, attempt: string): Written {
    const space = this.#begin(name, ALL);
    const refusal = this.#refusal(space, replacement);
    if (refusal !== undefined) return this.#reply(space, refusal);
    if (space.attempt !== attempt) return this.#reply(space, 'head_moved');
    const next = space.next ?? new Contents(this.#history);
    const { size, count, digest } = replacement.whole;
    const isWhole = next.state.size === size && next.index.size === count;
    if (!isWhole || NEXT.some((key) => space.foreign.has(key))) return this.#reply(space, 'keys_lost');

    space.live = next;
    space.foreign.delete('state');
    space.foreign.delete('index');
    space.isSizeLost = false;
    space.next = undefined;
    space.turn = new Contents(this.#history);
    for (const key of TURN) space.foreign.delete(key);
    space.meta = { ...space.meta, turnSize: 0, turnIndexed: 0 };
    keepTimes(space, replacement);
    this.#finish(space, replacement, size, count);
    this.publish(name, headerOf({ ...replacement, digest }, replacement.revision), []);
    return this.#reply(space, 'committed');
  }

  since(
    name: string,
    position: Position,
    limit: number,
    { horizon = 0, seen = 0, isDoubted, withTimes }: SinceOptions,
  ): Page {
    const space = this.#begin(name, ALL);
    const { live, foreign } = space;
    const { fence, removedAt } = space.meta;
    const isOurs = fence !== 0 && removedAt === 0 && seen < this.#now + FAR_MS;
    if (isOurs && seen > fence) space.meta = { ...space.meta, fence: seen };

    if (isDoubted === true && fence !== 0) space.meta = { ...space.meta, doubtedAt: Math.floor(this.#now) };

    const { meta } = space;
    const continues =
      position.epoch === meta.epoch ||
      (position.epoch === meta.base.epoch && position.revision <= meta.base.revision);
    const full = !continues || meta.horizon > Math.max(position.revision, horizon);
    const from = full ? 0 : position.revision;
    if (limit === 0) return { head: this.#head(space), full, more: false, changes: [] };

    const places = isInForce(space) ? [live, space.turn] : [live];
    const keys: KeyName[] = ['state', 'index', ...(isInForce(space) ? TURN : [])];
    const isForeign = keys.some((key) => foreign.has(key));
    const found = (isForeign ? [] : places)
      .flatMap((contents) => revisionsAfter(from, contents))
      .toSorted((a, b) => a.revision - b.revision);
    const page: Change[] = [];
    let bytes = 0;
    for (const { key, revision, contents } of found.slice(0, limit)) {
      const json = contents.state.get(key) ?? '';
      bytes += sizeOf({ key, json });
      // planted: page-bytes
      if (bytes > this.#pageBytes && page.length > 0) break;
      page.push({ key: key.includes('\n') ? '' : key, revision, json: json.replaceAll('\n', '\t') });
    }
    const { changes, isSound } = decodePage(encodeChanges(page));
    const head = this.#head(space);
    const more = page.length === limit || page.length < found.length;
    const isDue = withTimes === 'always' || (withTimes === true && (full || changes.length > 0));
    const hasTimes = isDue && !more;
    const times = hasTimes ? space.times : undefined;
    return {
      head: isSound ? head : { ...head, keysLost: true },
      full,
      more,
      changes,
      ...(times && { times }),
    };
  }

  history(
    name: string,
    { key, before, newestMs = Infinity, oldestMs = 0, limit }: HistoryRequest,
  ): HistoryPage {
    const space = this.#begin(name, LIVE);
    const { history = [], meta } = space;
    const changes: HistoryChange[] = [];
    let bytes = 0;
    let looked = 0;
    let next: string | undefined;
    for (const { number, at, change } of history.toReversed()) {
      if (before === undefined ? at > newestMs : number > Number(before)) continue;
      if (at < oldestMs) break;
      if (changes.length === limit || looked === MOST_HISTORY || bytes >= MOST_IN_PAGE) {
        next = String(number);
        break;
      }
      looked += 1;
      bytes += change?.json.length ?? 0;
      if (change !== undefined && (key === undefined || change.key === key)) changes.push(change);
    }
    const [oldest] = history;
    return {
      head: this.#head(space),
      upTo: meta.historyAt,
      fromMs: meta.historyFrom,
      oldestMs: oldest?.at,
      isTrimmed: oldest?.change !== undefined,
      changes,
      next,
    };
  }

  renew(name: string, owner: string, epoch: number, leaseMs: number): void {
    const space = this.#begin(name);
    if (this.#refusal(space, { owner, epoch }) === undefined) this.#renew(space, owner, epoch, leaseMs);
  }

  release(name: string, owner: string, epoch: number, farewell?: Header): void {
    const space = this.#begin(name);
    if (this.#refusal(space, { owner, epoch }) !== undefined) return;
    space.lease = undefined;
    space.next = undefined;
    for (const key of ['lease', ...NEXT] as const) space.foreign.delete(key);
    if (!isInForce(space)) {
      space.turn = new Contents(this.#history);
      for (const key of TURN) space.foreign.delete(key);
    }
    if (farewell) this.publish(name, farewell, []);
    space.meta = { ...space.meta, owner: ownerAfter(farewell) };
  }

  remove(name: string, outwaited?: number): Outcome<'removed', 'held' | 'absent'> {
    const space = this.#begin(name, ALL);
    const { foreign, live, turn, next } = space;
    const asked = { known: 0, hasLed: false };
    const isHeld = this.#hasRival(space, '', 0) || this.#mayHaveHolder(space, asked);
    if (isHeld && !this.#isOutwaited(space, outwaited)) return this.#reply(space, 'held');
    const holds = [live, turn, next].some(
      (contents) => contents && contents.index.size + contents.state.size > 0,
    );
    const isKnown = space.meta.fence !== 0 && space.meta.removedAt === 0;
    const isEmpty =
      space.times === undefined &&
      space.history === undefined &&
      !holds &&
      !space.isSizeLost &&
      foreign.size === 0 &&
      this.#lease(space) === undefined;
    if (!isKnown && isEmpty) return this.#reply(space, 'absent');
    const fence = space.meta.fence || Math.floor(this.#now);
    Object.assign(space, new MemorySpace(this.#history));
    space.meta = { ...space.meta, fence, removedAt: Math.floor(this.#now) };
    this.#send(name, encodeRemoval(this.#now, fence));
    return this.#reply(space, 'removed');
  }

  /** As `record.lua`. Returns meta as it is then. */
  #record(
    space: MemorySpace,
    cut: CutHead & Pick<Cut, 'prev'>,
    changes: readonly Change[],
    mayTrim: boolean,
  ): MemorySpace['meta'] {
    const { history, times = '', prev, revision } = cut;
    if (history === undefined) return space.meta;
    space.foreign.delete('history');
    const now = Math.floor(this.#now);
    if (space.history === undefined || space.meta.historyAt !== prev.revision) {
      space.history = [...(space.history ?? []), { number: nextOf(space), at: now }];
      space.meta = { ...space.meta, historyFrom: now };
    }
    for (const change of changes) this.#recordChange(space, change, times, cut.epoch);
    space.meta = { ...space.meta, historyAt: revision };
    if (!mayTrim) return space.meta;
    const { maxChanges, maxAgeMs } = history;
    const isYoung = ({ at }: Recorded): boolean => maxAgeMs === 0 || at >= now - maxAgeMs;
    space.history = space.history.slice(-maxChanges).filter(isYoung);
    return space.meta;
  }

  #recordChange(space: MemorySpace, { key, revision, json }: Change, times: string, epoch?: number): void {
    const { meta } = space;
    const ofEpoch = epoch ?? (revision <= meta.base.revision ? meta.base.epoch : meta.epoch);
    const change = { key, revision, json, epoch: ofEpoch, times };
    const number = nextOf(space);
    space.history = [...(space.history ?? []), { number, at: Math.floor(this.#now), change }];
  }

  // ---- channels ----

  subscribe(name: string, deliver: (message: string) => void): void {
    const subscriptions = this.#subscriptions.get(name) ?? new Set();
    this.#subscriptions.set(name, subscriptions.add(deliver));
  }

  unsubscribe(name: string, deliver: (message: string) => void): void {
    this.#subscriptions.get(name)?.delete(deliver);
  }

  /** Delivers the messages of all spaces whose names begin with `start`. */
  subscribeAll(start: string, deliver: DeliverFrom): void {
    this.#patterns.set(deliver, start);
  }

  unsubscribeAll(deliver: DeliverFrom): void {
    this.#patterns.delete(deliver);
  }

  /** The names of spaces that begin with `start`, without those that were removed. */
  names(start: string): string[] {
    return this.present([...this.#spaces.keys()].filter((name) => name.startsWith(start)));
  }

  /** Of these names, those that somebody has claimed, and nobody has removed since. */
  present(names: readonly string[]): string[] {
    return names.filter((name) => {
      const space = this.#spaces.get(name);
      if (space === undefined) return false;
      return space.foreign.has('meta') || (space.meta.fence !== 0 && space.meta.removedAt === 0);
    });
  }

  /** Also for frames that no script of ours would publish. */
  publish(name: string, header: Header, changes: readonly Change[]): void {
    this.#send(name, encodeFrame(this.#now, header, changes));
  }

  #send(name: string, message: string): void {
    for (const deliver of this.#subscriptions.get(name) ?? []) deliver(message);
    for (const [deliver, start] of this.#patterns) if (name.startsWith(start)) deliver(name, message);
  }

  // ---- rules that the scripts share: head.lua ----

  #begin(name: string, keys = SHORT): MemorySpace {
    this.#now = this.now();
    this.#knowsTurn = keys.includes('state:turn');
    const space = this.space(name);
    space.note();
    this.#wrongTypes =
      space.foreign.size === 0 ? NO_WRONG_TYPES : keys.flatMap((key) => wrongTypeOf(name, space, key));
    return space;
  }

  #head(space: MemorySpace): Head {
    const { indexed: _, leaseMs: _l, turnSize: _t, turnIndexed: unsettled, ...rest } = space.meta;
    const { historyAt: _a, historyFrom: _f, turnRevision: _r, ...meta } = rest;
    const lease = this.#lease(space);
    const leftMs = (lease?.until ?? 0) - this.#now;
    const leaseMs = leftMs > 0 ? Math.max(1, Math.ceil(leftMs)) : 0;
    // Where somebody added a value by hand, deletes may bring the count below zero: a reader takes that for
    // no number.
    const size = space.isSizeLost ? 0 : Math.max(0, meta.size);
    const keysLost = hasLostKeys(space, this.#knowsTurn);
    const leaseAskedMs = lease?.askedMs ?? 0;
    const added = keysLost && hasAddedKeys(space, this.#knowsTurn) && { keysAdded: true };
    return {
      ...meta,
      size,
      leaseMs,
      leaseAskedMs,
      keysLost,
      ...added,
      wrongTypes: this.#wrongTypes,
      unsettled,
      now: this.#now,
    };
  }

  #reply<O extends string>(space: MemorySpace, outcome: O): { outcome: O; head: Head } {
    return { outcome, head: this.#head(space) };
  }

  /** The lease. One of another type names no holder, and has no expiry. */
  #lease(space: MemorySpace): MemoryLease | undefined {
    if (space.foreign.has('lease'))
      return { owner: '', epoch: NaN, until: Infinity, askedMs: space.meta.leaseMs };
    return space.lease !== undefined && space.lease.until > this.#now ? space.lease : undefined;
  }

  /** A light commit counts no keys. So it finds another type only as it writes, in the index first. */
  #meetsForeign(space: MemorySpace, changes: readonly Change[]): boolean {
    const { foreign, live } = space;
    if (!foreign.has('state') && !foreign.has('index')) return false;
    if (!foreign.has('index')) for (const { key, revision } of changes) live.index.set(key, revision);
    space.isSizeLost = true;
    return true;
  }

  #hasRival(space: MemorySpace, owner: string, known: number): boolean {
    const lease = this.#lease(space);
    return lease !== undefined && lease.owner !== owner && lease.epoch >= known;
  }

  /** As `mayHaveHolder` in `holder.lua`. */
  #mayHaveHolder(space: MemorySpace, { known, hasLed = false }: Pick<Claim, 'known' | 'hasLed'>): boolean {
    const lease = this.#lease(space);
    if (lease === undefined || !Number.isNaN(lease.epoch)) return false;
    const { owner, fence } = space.meta;
    const isReleased = (owner === '' || owner === '-') && fence !== 0;
    return !isReleased && !(hasLed && fence <= known);
  }

  /** As `isOutwaited` in `holder.lua`. */
  #isOutwaited(space: MemorySpace, outwaited: number | undefined): boolean {
    const until = this.#lease(space)?.until;
    if (outwaited === undefined || until === undefined) return false;
    return outwaited === until || Math.abs(outwaited - until) <= ROUNDING_MS;
  }

  #refusal(space: MemorySpace, writer: { owner: string; epoch: number }): Fenced | undefined {
    const { fence, owner } = space.meta;
    if (fence === writer.epoch && owner === writer.owner && fence !== 0) return undefined;
    if (this.#hasRival(space, writer.owner, writer.epoch)) return 'fenced';
    return fence > writer.epoch && owner !== writer.owner ? 'fenced' : 'head_moved';
  }

  #renew(space: MemorySpace, owner: string, epoch: number, leaseMs: number): void {
    space.lease = { owner, epoch, until: this.#now + leaseMs, askedMs: leaseMs };
    space.foreign.delete('lease');
  }

  #finish(space: MemorySpace, cut: CutHead, size: number, indexed: number): void {
    const { epoch, revision, base, horizon, cutAt } = cut;
    space.meta = { ...space.meta, epoch, revision, base, horizon, cutAt, size, indexed };
    this.#renew(space, cut.owner, epoch, cut.leaseMs);
  }
}

export interface ModelOptions {
  /** The greatest size of a page of several changes, bytes. Default 512 KiB. */
  readonly pageBytes?: number | undefined;
  /** The server's clock where the local one is at zero, ms since 1970. */
  readonly zeroMs?: number;
  /** Is told what was before each write. Default: nobody is. */
  readonly history?: History;
}

/** What one call of `stage` writes. */
export interface StagedPortion {
  readonly attempt: string;
  readonly isFirst: boolean;
  readonly portion: readonly Change[];
  /** Its number, where it is a part of a turn, and not of a whole state. */
  readonly part?: number;
}

/** What was staged of a turn: the number of values, of keys, and of portions. */
export interface Staged {
  readonly size: number;
  readonly indexed: number;
  readonly parts: number;
}

/** The keys that changed after a revision, and where their values are. */
function revisionsAfter(
  from: number,
  contents: Contents,
): { key: string; revision: number; contents: Contents }[] {
  return contents
    .inOrder()
    .filter(([, revision]) => revision > from)
    .map(([key, revision]) => ({ key, revision, contents }));
}

function nextOf({ history }: MemorySpace): number {
  return (history?.at(-1)?.number ?? 0) + 1;
}

/** As `keepTimes` in `head.lua`. */
function keepTimes(space: MemorySpace, { times = '', allTimes }: CutHead): void {
  if (times === '' && allTimes === undefined) return;
  space.foreign.delete('times');
  space.times = allTimes ?? `${space.times ?? ''};${times}`;
}

function wrongTypeOf(name: string, { foreign }: MemorySpace, key: KeyName): WrongType[] {
  const found = foreign.get(key);
  return found === undefined ? [] : [{ key: `tandem:{${name}}:${key}`, found, expected: TYPES[key] }];
}
