/** The Redis that a command asks: one connection, which is there at once or not at all. */
import type { Redis } from 'ioredis';
import { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Sliced } from '../base/slices.ts';
import { Slices } from '../base/slices.ts';
import type { Time } from '../base/time.ts';
import { systemTime } from '../base/time.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { readFleet } from '../fleet/roster-reader.ts';
import { Bookmark } from '../follower/bookmark.ts';
import type { Gatherer } from '../follower/catch-up.ts';
import { gatherSince } from '../follower/catch-up.ts';
import type { Head, HistoryPage, HistoryRequest } from '../ports/store.ts';
import { keysOf } from '../redis/keys.ts';
import type { Keys } from '../redis/keys.ts';
import { RedisStore } from '../redis/store.ts';
import type { Change } from '../state/change.ts';
import { ChangeTimes } from '../state/change-times.ts';
import { ZERO } from '../state/position.ts';
import type { Reach } from './reach.ts';

/** For a try to connect, and for each answer, ms. */
const CONNECT_MS = 1_500;
const ANSWER_MS = 5_000;
/** Keys that Redis looks at in one call of SCAN. */
const SCAN_COUNT = 1_000;
/** A key that changes while it is read is read anew so often. */
const MOST_TRIES = 10;
/** Calls that are under way at a time, where many spaces are asked for. */
const AT_ONCE = 200;

/** As ioredis has it: any command by its name. */
type Asking = Pick<Redis, 'call'>;

/** A key as Redis has it. */
export interface StoredValue {
  readonly revision: number;
  /** JSON, unless somebody else wrote it. */
  readonly json: string;
}

export interface StoredState {
  readonly head: Head;
  /** The keys that hold a value, in order of their last change. */
  readonly keys: ReadonlyMap<string, StoredValue>;
  readonly times: ChangeTimes;
}

/** Keeps the latest value of each key. */
class StateGatherer implements Gatherer {
  readonly keys = new Map<string, StoredValue>();

  restart(): void {
    this.keys.clear();
  }

  *take(changes: readonly Change[]): Sliced<void> {
    for (const { key, revision, json } of changes) {
      this.keys.delete(key);
      if (json !== '') this.keys.set(key, { revision, json });
      yield;
    }
  }
}

export class Server {
  readonly prefix: string;
  readonly time: Time;
  readonly clock: ServerClock;
  readonly #store: RedisStore;
  readonly #database: number;

  private constructor({ redis, prefix }: Reach, time: Time) {
    this.prefix = prefix;
    this.time = time;
    this.clock = new ServerClock(time);
    this.#database = redis.db ?? 0;
    this.#store = new RedisStore({
      redis,
      prefix,
      time,
      clock: this.clock,
      deadlineMs: ANSWER_MS,
      connectTimeoutMs: CONNECT_MS,
      name: 'cli',
    });
  }

  /** @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY` or `REDIS_REFUSED`, with the first failure */
  static async open(reach: Reach, time: Time = systemTime): Promise<Server> {
    const server = new Server(reach, time);
    try {
      await server.#up();
      return server;
    } catch (error) {
      server.close();
      throw error;
    }
  }

  get isUp(): boolean {
    return this.#store.commands.up;
  }

  #up(): Promise<void> {
    const { commands } = this.#store;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (commands.up) resolve();
        else if (commands.error) reject(commands.error);
        else return;
        unwatch();
      };
      const unwatch = commands.watch(look);
    });
  }

  /**
   * Asks Redis anything, by the words of its protocol.
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY` or `REDIS_REFUSED`, whose text holds no secret
   */
  ask(command: string, ...args: readonly string[]): Promise<unknown> {
    return this.#store.commands.call((client) => (client as unknown as Asking).call(command, ...args));
  }

  /** The head of a space. */
  async head(space: string): Promise<Head> {
    return (await this.#store.since(space, ZERO, 0)).head;
  }

  /** What all processes say of themselves. */
  fleet(): Promise<Fleet> {
    return readFleet(this.#store.roster, new Slices(this.time));
  }

  /** When the keys of a space were set. */
  async times(space: string): Promise<ChangeTimes> {
    const text = await this.ask('GET', this.keys(space).live.names[4]!).catch(otherwise(null));
    return ChangeTimes.of(typeof text === 'string' ? text : undefined);
  }

  /** A page of what was committed before. */
  history(space: string, request: HistoryRequest): Promise<HistoryPage> {
    return this.#store.history(space, request);
  }

  /** The keys and the channel of a space. */
  keys(space: string): Keys {
    return keysOf(space, this.#database, this.prefix);
  }

  /**
   * The names of the spaces that Redis has, in order. A space that was removed is none.
   * @param pattern of names, as Redis matches them
   */
  async spaces(pattern = '*'): Promise<string[]> {
    const [start, end] = [`${this.prefix}:{`, '}:meta'];
    const found = new Set<string>();
    let cursor = '0';
    do {
      const args = [cursor, 'MATCH', `${start}${pattern}${end}`, 'COUNT', String(SCAN_COUNT)];
      const [next, names] = (await this.ask('SCAN', ...args)) as [string, string[]];
      for (const name of names) found.add(name.slice(start.length, -end.length));
      cursor = next;
    } while (cursor !== '0');
    const names = [...found].toSorted();
    const removed = await this.each(names, (name) => this.#isRemoved(name));
    return names.filter((_, n) => removed[n] !== true);
  }

  async #isRemoved(space: string): Promise<boolean> {
    const [meta = ''] = this.keys(space).live.names;
    const at = await this.ask('HGET', meta, 'removedAt').catch(otherwise(null));
    return at !== null && at !== '0' && at !== '';
  }

  /** Asks the same of many, some hundred at a time. */
  async each<T, R>(list: readonly T[], ask: (one: T) => Promise<R>): Promise<R[]> {
    const results: R[] = [];
    for (let at = 0; at < list.length; at += AT_ONCE)
      results.push(...(await Promise.all(list.slice(at, at + AT_ONCE).map(ask))));
    return results;
  }

  /**
   * The state of a space as Redis has it, as of its head.
   * @throws TandemError `HEAD_MOVED` or `ROLLED_BACK` where it does not hold still, and what `ask` throws
   */
  async state(space: string): Promise<StoredState> {
    const gatherer = new StateGatherer();
    const { head, times } = await gatherSince(
      this.#store,
      new Slices(this.time),
      space,
      new Bookmark(ZERO),
      gatherer,
      { seen: 0, withTimes: true },
    );
    return { head, keys: gatherer.keys, times: ChangeTimes.of(times) };
  }

  /**
   * One key of a space; `undefined` where it holds nothing.
   * @throws TandemError `HEAD_MOVED` where it changes faster than it can be read, and what `ask` throws
   */
  async value(
    space: string,
    key: string,
  ): Promise<{ head: Head; value: StoredValue | undefined; times: ChangeTimes }> {
    const [, ...names] = this.keys(space).turn.names;
    const [state = '', index = '', , , , turnState = '', turnIndex = ''] = names;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const head = await this.head(space);
      const places =
        head.unsettled > 0
          ? [[turnState, turnIndex] as const, [state, index] as const]
          : [[state, index] as const];
      const read = (): Promise<unknown>[] => places.map(([, index]) => this.ask('ZSCORE', index, key));
      const before = await Promise.all(read());
      const values = await Promise.all(places.map(([state]) => this.ask('HGET', state, key)));
      const after = await Promise.all([...read(), this.head(space)]);
      const now = after.pop() as Head;
      const isSame =
        before.every((score, n) => score === after[n]) &&
        now.epoch === head.epoch &&
        now.unsettled > 0 === head.unsettled > 0;
      if (!isSame) continue;
      const found = before.map((score, n) => ({ revision: Number(score ?? 0), json: values[n] }));
      const latest = found.reduce((a, b) => (b.revision > a.revision ? b : a));
      const { revision, json } = latest;
      const value = typeof json === 'string' && revision > 0 ? { revision, json } : undefined;
      return { head: now, value, times: await this.times(space) };
    }
    throw new TandemError('HEAD_MOVED', `key "${key}" changes faster than it can be read`);
  }

  close(): void {
    this.#store.stop();
  }
}

/** For what an ACL may withhold, or another type of key prevents: nothing is known then. */
export function otherwise<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof TandemError && error.code === 'REDIS_REFUSED') return value;
    throw error;
  };
}
