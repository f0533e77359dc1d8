/**
 * The store that Redis is: each call is one script, and each reply has the server's time.
 *
 * Two connections serve all spaces of the process: one for calls, one for what is published. The second is
 * made when somebody first asks for it.
 */
import { CappedMap } from '../base/capped-map.ts';
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import { bytesOf } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { encodeFrame, MAX_FRAME_LENGTH } from '../state/frame.ts';
import { MAX_TURN_CHANGES } from '../state/part.ts';
import type { Observers } from '../ports/observer.ts';
import type { Position } from '../state/position.ts';
import type {
  Capacity,
  Claim,
  Committed,
  Cut,
  CutHead,
  Deliver,
  HistoryPage,
  HistoryRequest,
  LargeCut,
  Outcome,
  Page,
  Replacement,
  SinceOptions,
  Store,
} from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { randomId } from '../base/time.ts';
import type { Clients } from './client.ts';
import { ClientMaker, databaseOf } from './client.ts';
import type { Reply, Staged } from './commands.ts';
import {
  claim,
  commit,
  flip,
  history,
  portionsOf,
  release,
  remove,
  renew,
  replaceAll,
  settle,
  since,
  stage,
} from './commands.ts';
import type { CredentialsSource } from './credentials.ts';
import type { About } from './connection.ts';
import { Connection } from './connection.ts';
import { RedisFinder } from './finder.ts';
import { RedisRoster } from './roster.ts';
import { Limits } from './limits.ts';
import { LONG_BYTES, withLongValues } from './long-values.ts';
import type { Keys } from './keys.ts';
import { bulk, keysOf } from './keys.ts';
import { PageGate } from './page-gate.ts';
import { placeOf } from './place.ts';
import { isDenied, missingPlaces } from './permissions.ts';
import { ScriptCalls } from './script-calls.ts';
import { publishesSharded, subscribeSharded, unsharded, unsubscribeSharded } from './sharded.ts';
import { Subscriptions } from './subscriptions.ts';
import type { Client, RedisTarget } from './target.ts';

/** A change takes Redis 1 to 2 µs, and 4 µs where its key is new among a million. */
export const CAPACITY: Capacity = {
  usual: 1_000,
  changes: 2_000,
  length: MAX_FRAME_LENGTH,
  mostChanges: MAX_TURN_CHANGES,
};

/** The bytes of a page of history, mostly. */
const HISTORY_BYTES = 64 * 1024;

/** A page is asked for so often while its long values change. */
const MOST_TRIES = 3;

/** What a page is asked for. */
interface Asked {
  readonly position: Position;
  readonly limit: number;
  readonly options: SinceOptions;
}

export interface RedisStoreOptions {
  readonly redis: RedisTarget;
  /** Makes the clients, in place of the target. */
  readonly clients?: Clients;
  /**
   * The server is a node of a Cluster, and publishes to its shard alone. Told where it has ended a subscription,
   * or has refused one: slots have moved.
   */
  readonly shardMoved?: () => void;
  /** What keys and channels begin with. Default `tandem`. */
  readonly prefix?: string | undefined;
  readonly time: Time;
  readonly clock: ServerClock;
  /** How long Redis may take for any answer, ms. */
  readonly deadlineMs: number;
  /** How long a try to connect may take, ms; where it is not given, the target may say it. */
  readonly connectTimeoutMs?: number | undefined;
  /** The name of the process, which its connections bear. */
  readonly name?: string | undefined;
  /** Asked for a user and a password before each connection. */
  readonly credentials?: CredentialsSource | undefined;
  /** Told when a connection comes and goes. */
  readonly observers?: Observers;
}

export class RedisStore implements Store {
  readonly commands: Connection;
  readonly #calls: ScriptCalls;
  /** Whether this user may write: found out by the first call that would, over each client. */
  #mayWrite = true;
  readonly subscriber: Connection;
  /** Finds spaces over the connections of this store. */
  readonly finder: RedisFinder;
  /** What the processes say of themselves. */
  readonly roster: RedisRoster;
  readonly #time: Time;
  readonly #clock: ServerClock;
  readonly #deadlineMs: number;
  readonly #prefix: string | undefined;
  #database = 0;
  /** Where the last client connects to; `undefined` before the first one. */
  #place: string | undefined;
  /** Made once for each space. */
  readonly #known = new CappedMap<Keys>();
  readonly #subscriptions = new Subscriptions();
  readonly #limits = new Limits();
  readonly #pages = new PageGate();
  readonly #shardMoved: (() => void) | undefined;
  /** Whether the node of a Cluster is Redis 7 or later: found out over each client, by its first ping. */
  #isOldNode = false;
  readonly #probed = new WeakSet<Client>();
  /** A Cluster may send what only reads to a replica, which lags. */
  #fetchesLong = true;
  /** The server's own words for its limits, where it may be asked. */
  #limitNames = '';
  #isAsking = false;

  constructor(options: RedisStoreOptions) {
    const { redis, prefix, time, clock, deadlineMs, observers, shardMoved } = options;
    this.#prefix = prefix;
    this.#shardMoved = shardMoved;
    const clients = options.clients ?? new ClientMaker(redis, options);
    const about = (client: Client): About => clients.about(client);
    this.#time = time;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.commands = new Connection({
      make: (credentials) => this.#selected(clients.make(credentials)),
      credentials: clients.credentials,
      about,
      time,
      deadlineMs,
      ping: (client) => this.#askTime(client),
      inspect: async (client) => (await findEviction(client)) ?? (this.#isOldNode ? unsharded() : undefined),
      changed: (what) => observers?.tell('link', { link: 'commands', ...what }),
    });
    this.#calls = new ScriptCalls(this.commands, time, clock);
    this.subscriber = new Connection({
      make: (credentials) => this.#listening(this.#selected(clients.make(credentials))),
      credentials: clients.credentials,
      about,
      time,
      deadlineMs,
      ping: async (client) => void (await client.ping()),
      changed: (what) => observers?.tell('link', { link: 'subscriber', ...what }),
    });
    const keysOf = (space: string): Keys => this.#keys(space);
    this.finder = new RedisFinder({ commands: this.commands, subscriber: this.subscriber, prefix, keysOf });
    this.roster = new RedisRoster({ commands: this.commands, prefix, time, clock });
  }

  get place(): string | undefined {
    return this.#place;
  }

  get capacity(): Capacity {
    if (!this.#limits.isFound) return CAPACITY;
    const now = this.#time.now();
    const bytes = this.#limits.bytes(now);
    if (bytes === Infinity) return CAPACITY;
    const never = this.#limits.never(now);
    const why = this.#limitNames || 'it closes the connection, or refuses';
    return { ...CAPACITY, bytes, never: never === Infinity ? undefined : { bytes: never, why } };
  }

  claim(space: string, wanted: Claim): Promise<Outcome<'claimed', 'held' | 'late'>> {
    const keys = this.#keys(space);
    const timely = { notAfter: this.#clock.latest() + this.#deadlineMs, ...wanted };
    return this.#ask('claim', keys, claim.args(timely, keys.channel), claim.read);
  }

  prepareToAnnounce(): void {
    this.commands.wantUnanswered();
  }

  /** Not by the client of a whole Cluster: PUBLISH may reach any node there, and overtake what a script publishes. */
  get canAnnounce(): boolean {
    return this.commands.canSendUnanswered;
  }

  announce(space: string, header: Header, changes: readonly Change[]): void {
    // Redis writes no time of its own into an announcement, so it has the time of its cut.
    const frame = encodeFrame(header.cutAt, header, changes);
    const { publish, spublish } = this.#keys(space);
    this.commands.sendUnanswered((this.#calls.isSharded ? spublish : publish) + bulk(frame));
  }

  commit(space: string, cut: Cut): Promise<Committed> {
    const keys = this.#keys(space);
    const args = commit.args(cut, keys.channel);
    const script = cut.history === undefined ? 'commit' : 'recordedCommit';
    return this.#ask(script, keys, args, (reply) => commit.read(reply, cut), cut.changes);
  }

  async commitTurn(
    space: string,
    cut: LargeCut,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const keys = this.#keys(space);
    const { channel } = keys;
    const attempt = randomId(this.#time);
    const { staged, refused } = await this.#stage(keys, cut, attempt, cut.changes, channel);
    if (refused !== undefined) return refused;
    return this.#ask('flip', keys, flip.args(cut, attempt, staged, channel), flip.read);
  }

  settle(
    space: string,
    owner: string,
    epoch: number,
    leaseMs: number,
  ): Promise<Outcome<'settled', 'fenced' | 'head_moved' | 'keys_lost'>> {
    return this.#ask('settle', this.#keys(space), settle.args(owner, epoch, leaseMs), settle.read);
  }

  async replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const keys = this.#keys(space);
    const attempt = randomId(this.#time);
    const { refused } = await this.#stage(keys, replacement, attempt, replacement.whole);
    if (refused !== undefined) return refused;
    const args = replaceAll.args(replacement, attempt, keys.channel);
    return this.#ask('replaceAll', keys, args, replaceAll.read);
  }

  /**
   * Stages changes portion by portion. Each is made while the one before it is on its way.
   * @param channel where the portions are parts of a turn: they are published there
   * @returns what was staged, and the answer to a portion that was refused
   */
  async #stage(
    keys: Keys,
    stager: CutHead,
    attempt: string,
    changes: Iterable<Change>,
    channel?: string,
  ): Promise<{ staged: Staged; refused?: Outcome<never, 'fenced' | 'head_moved'> }> {
    const staged = { size: 0, indexed: 0, longest: 0, parts: 0 };
    let asked: Promise<Outcome<'staged', 'fenced' | 'head_moved'>> | undefined;
    for (const portion of portionsOf(changes, this.capacity.bytes)) {
      staged.parts += 1;
      const part = channel === undefined ? undefined : { number: staged.parts, channel };
      const args = stage.args(stager, attempt, portion, part);
      staged.indexed += portion.changes.length;
      for (const { json } of portion.changes) {
        if (json === '') continue;
        staged.size += 1;
        staged.longest = Math.max(staged.longest, Buffer.byteLength(json));
      }
      const before = await asked;
      if (before !== undefined && before.outcome !== 'staged') return { staged, refused: before };
      asked = this.#ask('stage', keys, args, stage.read, portion.changes);
    }
    const last = await asked;
    return last === undefined || last.outcome === 'staged' ? { staged } : { staged, refused: last };
  }

  since(space: string, position: Position, limit: number, options: SinceOptions = {}): Promise<Page> {
    const keys = this.#keys(space);
    const asked = { position, limit, options };
    if (limit === 0) return this.#askSince(keys, asked);
    const sizeOf = ({ changes }: Page): number => changes.reduce((sum, { json }) => sum + json.length, 0);
    return this.#pages.pass(space, (bytes) => this.#page(keys, asked, bytes), sizeOf);
  }

  /** Reads a page. A page whose long values go on changing is read in one piece. */
  async #page(keys: Keys, asked: Asked, bytes: number): Promise<Page> {
    const most = this.#fetchesLong ? MOST_TRIES : 0;
    for (let tries = 0; tries < most; tries += 1) {
      const page = await this.#askSince(keys, asked, bytes, [String(LONG_BYTES)]);
      try {
        const whole = await withLongValues(page, this.commands, keys.all.names);
        if (whole !== undefined) return whole;
      } catch (error) {
        if (!(error instanceof TandemError) || error.code !== 'REDIS_REFUSED') throw error;
        // A key of another type, or an ACL that allows scripts alone.
        return this.#askSince(keys, asked, bytes);
      }
    }
    return this.#askSince(keys, asked, bytes);
  }

  /**
   * A reader whose user may write nothing neither raises the fence nor tells of a doubt: see decision 112.
   * @param more arguments
   */
  async #askSince(
    keys: Keys,
    { position, limit, options }: Asked,
    bytesAwaited = 0,
    more: readonly string[] = [],
  ): Promise<Page> {
    const { seen = 0, isDoubted = false, horizon = 0, withTimes = false } = options;
    if (this.#mayWrite && (seen > 0 || isDoubted)) {
      try {
        const args = [...since.args(position, limit, options), ...more];
        return await this.#calls.ask('since', keys, args, since.read, { bytesAwaited });
      } catch (error) {
        if (!isDenied(error)) throw error;
        this.#mayWrite = false;
      }
    }
    const args = [...since.args(position, limit, { horizon, withTimes }), ...more];
    return this.#calls.ask('since', keys, args, since.read, { isReading: true, bytesAwaited });
  }

  history(space: string, request: HistoryRequest): Promise<HistoryPage> {
    const options = { isReading: true, bytesAwaited: HISTORY_BYTES };
    return this.#calls.ask('history', this.#keys(space), history.args(request), history.read, options);
  }

  async renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    await this.#ask('renew', this.#keys(space), renew.args(owner, epoch, leaseMs), renew.read);
  }

  async release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void> {
    const keys = this.#keys(space);
    await this.#ask('release', keys, release.args(owner, epoch, keys.channel, farewell), release.read);
  }

  remove(space: string, outwaited?: number): Promise<Outcome<'removed', 'held' | 'absent'>> {
    const keys = this.#keys(space);
    return this.#ask('remove', keys, remove.args(outwaited, keys.channel), remove.read);
  }

  async subscribe(space: string, deliver: Deliver): Promise<void> {
    const { channel } = this.#keys(space);
    this.#subscriptions.add(channel, deliver);
    const isSharded = this.#shardMoved !== undefined;
    await this.subscriber
      .call((client) => (isSharded ? subscribeSharded(client, channel) : client.subscribe(channel)))
      .catch((error: TandemError) => {
        throw isDenied(error) ? missingPlaces(error, this.#keys(space), true) : error;
      });
  }

  async unsubscribe(space: string, deliver: Deliver): Promise<void> {
    const { channel } = this.#keys(space);
    const wasLast = this.#subscriptions.remove(channel, deliver);
    if (!wasLast || !this.subscriber.up) return;
    if (this.#shardMoved === undefined)
      return void (await this.subscriber.call((client) => client.unsubscribe(channel)));
    await this.subscriber.call((client) => unsubscribeSharded(client, channel));
    await this.finder.renew();
  }

  stop(): void {
    this.commands.stop();
    this.subscriber.stop();
  }

  #deliver(channel: string, message: string): void {
    this.subscriber.heard();
    this.#subscriptions.deliver(channel, message);
  }

  /** Calls a script. Where it has changes and fails, it may have been too large for the server. */
  #ask<T>(
    name: Parameters<ScriptCalls['ask']>[0],
    keys: Keys,
    args: readonly string[],
    read: (reply: Reply) => T,
    changes: readonly Change[] = [],
  ): Promise<T> {
    const failed = (failure: TandemError): void => this.#failed(failure, changes);
    return this.#calls.ask(name, keys, args, read, changes.length > 0 ? { failed } : {});
  }

  /** A call with changes has failed: it may have been too large for the server. */
  #failed(failure: TandemError, changes: readonly Change[]): void {
    if (!mayBeTooLarge(failure)) return;
    const bytes = bytesOf(changes);
    if (this.#limits.refused(bytes, changes.length === 1, this.#time.now())) this.#askLimitsLater();
  }

  /** Asks for the names and values of the server's limits, once it is back. It may forbid that. */
  #askLimitsLater(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const unwatch = this.commands.watch(() => {
      if (!this.commands.up) return;
      unwatch();
      this.#isAsking = false;
      void this.#askLimits();
    });
  }

  async #askLimits(): Promise<void> {
    try {
      this.#limitNames = await this.commands.call(limitsOf);
    } catch {
      // The next large call may have closed the connection before the answer came.
      if (!this.commands.up) this.#askLimitsLater();
    }
  }

  #keys(space: string): Keys {
    let keys = this.#known.get(space);
    if (keys === undefined) {
      keys = keysOf(space, this.#database, this.#prefix);
      this.#known.set(space, keys);
    }
    return keys;
  }

  /** The client, once its database is known: the database is part of a channel's name. */
  #selected(client: Client): Client {
    this.#database = databaseOf(client);
    this.#place = placeOf(client);
    this.#fetchesLong = !client.isCluster;
    this.#known.clear();
    this.#calls.forget();
    this.#mayWrite = true;
    return client;
  }

  #listening(client: Client): Client {
    client.on('message', (channel: string, message: string) => this.#deliver(channel, message));
    client.on('pmessage', (pattern: string, channel: string, message: string) => {
      this.subscriber.heard();
      this.finder.deliver(pattern, channel, message);
    });
    if (this.#shardMoved === undefined) return client;
    client.on('smessage', (channel: string, message: string) => this.#deliver(channel, message));
    // ioredis says so where the server has ended a subscription, and where it refuses one.
    client.on('moved', () => {
      this.finder.renew().catch(() => {});
      this.#shardMoved?.();
    });
    return client;
  }

  /** The ping of the command connection: a sign of life, and a sample of the server's clock. */
  async #askTime(client: Client): Promise<void> {
    if (client.isCluster) return void (await client.ping());
    if (this.#shardMoved !== undefined && !this.#probed.has(client)) {
      this.#isOldNode = !(await publishesSharded(client));
      this.#calls.isSharded = !this.#isOldNode;
      this.#probed.add(client);
    }
    const sentAt = this.#time.now();
    const answer: unknown = await client.time();
    if (!Array.isArray(answer)) return;
    const [seconds, micros] = answer as string[];
    this.#clock.sample(sentAt, Number(seconds) * 1000 + Number(micros) / 1000, this.#time.now());
  }
}

/**
 * A Redis that evicts keys loses state by design. The owner repairs it each time, and a person should know.
 */
async function findEviction(client: Client): Promise<TandemError | undefined> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1] ?? 'noeviction';
  if (policy === 'noeviction') return undefined;
  return new TandemError(
    'EVICTION_POLICY',
    `Redis is set to evict keys when its memory is full (maxmemory-policy ${policy}); a store of state needs noeviction`,
  );
}

/** Whether a call may have failed for its size. A server that did not answer in time may just be slow. */
function mayBeTooLarge({ code, message }: TandemError): boolean {
  if (code === 'REDIS_UNAVAILABLE') return !message.includes('did not answer');
  return code === 'REDIS_REFUSED' && message.includes('ERR ') && !message.includes('unknown command');
}

/** The limits of a server on what it is sent, where it tells them. */
async function limitsOf(client: Client): Promise<string> {
  if (client.isCluster) return '';
  // Both at once, before the large call that follows them closes the connection.
  const names = ['client-query-buffer-limit', 'proto-max-bulk-len'];
  const replies = await Promise.all(names.map((name) => client.config('GET', name) as Promise<unknown>));
  const limits = replies.flatMap((reply, at) => {
    const [, value] = Array.isArray(reply) ? (reply as string[]) : [];
    return value === undefined ? [] : [`${names[at]} is ${value}`];
  });
  return limits.join(', ');
}
