/**
 * The store that Redis is: each call one script, each reply bearing the server's time.
 *
 * Two connections serve all spaces of the process, one for calls and one for what is published. The second
 * is made when someone first asks for it.
 */
import type { ServerClock } from '../base/clock.ts';
import { TandemError } from '../base/errors.ts';
import type { Change } from '../state/change.ts';
import type { Header } from '../state/header.ts';
import { decodePage, encodeChanges } from '../state/change.ts';
import { decodeTime } from '../state/wire-time.ts';
import { encodeFrame, MAX_FRAME_LENGTH } from '../state/frame.ts';
import { encodeHeader } from '../state/header.ts';
import type { Observers } from '../ports/observer.ts';
import type { Position } from '../state/position.ts';
import type {
  Claim,
  Committed,
  Cut,
  Head,
  Outcome,
  Page,
  SinceOptions,
  Store,
  Replacement,
} from '../ports/store.ts';
import type { Time } from '../base/time.ts';
import { randomId } from '../base/time.ts';
import type { Client, RedisTarget } from './client.ts';
import { clientMaker, databaseOf } from './client.ts';
import { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { bulk, keysOf } from './keys.ts';
import { Script } from './script.ts';

/** A staged portion holds Redis for a millisecond or so. */
const PORTION_CHANGES = 1_000;
const PORTION_LENGTH = 512 * 1024;
/** The head takes this many places in a reply. */
const HEAD_LENGTH = 14;

const SCRIPTS = {
  claim: new Script('head', 'claim'),
  commit: new Script('apply', 'commit', 'head', 'refused'),
  stage: new Script('head', 'apply', 'stage'),
  replaceAll: new Script('head', 'replace-all'),
  since: new Script('head', 'since'),
  renew: new Script('head', 'renew'),
  release: new Script('head', 'release'),
};

/** What a script answers: a light commit that was carried out with one string, all else with a list. */
type Answer = string | string[];

export interface RedisStoreOptions {
  readonly redis: RedisTarget;
  readonly time: Time;
  readonly clock: ServerClock;
  /** How long Redis may take for any answer, ms. */
  readonly deadlineMs: number;
  /** Told when a connection comes and goes. */
  readonly observers?: Observers;
}

export class RedisStore implements Store {
  /** A change takes Redis 1 to 2 µs. */
  readonly capacity = { changes: 4_000, length: MAX_FRAME_LENGTH, mostChanges: 10_000 };
  readonly commands: Connection;
  readonly subscriber: Connection;
  readonly #time: Time;
  readonly #clock: ServerClock;
  #database = 0;
  /** Names of keys, made once for each space. */
  readonly #known = new Map<string, Keys>();
  readonly #listeners = new Map<string, Set<(message: string) => void>>();

  constructor({ redis, time, clock, deadlineMs, observers }: RedisStoreOptions) {
    const make = clientMaker(redis);
    this.#time = time;
    this.#clock = clock;
    this.commands = new Connection({
      make,
      time,
      deadlineMs,
      ping: (client) => this.#askTime(client),
      inspect: findEviction,
      // Not to a Cluster: what is published goes in at any node, and overtakes what a script publishes.
      unanswered: true,
      prepare: (client) => this.#select(client),
      changed: (what) => observers?.tell('link', { link: 'commands', ...what }),
    });
    this.subscriber = new Connection({
      make,
      time,
      deadlineMs,
      ping: async (client) => void (await client.ping()),
      prepare: (client) => {
        this.#select(client);
        client.on('message', (channel: string, message: string) => this.#deliver(channel, message));
      },
      changed: (what) => observers?.tell('link', { link: 'subscriber', ...what }),
    });
  }

  async claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held'>> {
    const { owner, ownerName, known, leaseMs } = claim;
    const { channel } = this.#keys(space);
    return this.#run('claim', space, [owner, ownerName, String(known), String(leaseMs), channel]);
  }

  get canAnnounce(): boolean {
    return this.commands.canSendUnanswered;
  }

  announce(space: string, header: Header, changes: readonly Change[]): void {
    const { publish } = this.#keys(space);
    // Redis writes no time of its own into it.
    this.commands.sendUnanswered(publish + bulk(encodeFrame(header.cutAt, header, changes)));
  }

  commit(space: string, cut: Cut): Promise<Committed> {
    const { owner, leaseMs, epoch, prev, revision, base, horizon, cutAt, measures } = cut;
    const keys = this.#keys(space);
    const line = { epoch, base, prev: prev.revision, revision };
    const header = encodeHeader({ ...line, cutAt, leaseMs, bye: false, ...measures });
    const args = [
      owner,
      String(epoch),
      String(prev.epoch),
      String(prev.revision),
      String(revision),
      String(cutAt),
      cut.isAnnounced === true ? '' : keys.channel,
      header + encodeChanges(cut.changes),
    ];
    if (cut.isLight !== true)
      args.push(...[leaseMs, base.epoch, base.revision, horizon].map(String), ...cut.dropped);
    const take = (reply: Answer): Committed => {
      if (typeof reply === 'string') return { outcome: 'committed' };
      if (!isCommitted(reply)) return { outcome: reply[0] as 'fenced', head: decodeHead(reply) };
      // What was written is known here; with every update, it need not come back.
      const written = { epoch, revision, base, horizon, cutAt, owner, leaseMs, fence: epoch };
      const now = timeAt(reply, 0);
      const head = { ...written, size: numberAt(reply, 1), ownerName: reply[2] ?? '', keysLost: false, now };
      return { outcome: 'committed', head };
    };
    return this.#ask('commit', keys, args, take);
  }

  async replaceAll(
    space: string,
    replacement: Replacement,
  ): Promise<Outcome<'committed', 'fenced' | 'head_moved' | 'keys_lost'>> {
    const { owner, leaseMs, epoch, revision, base, horizon, cutAt, changes } = replacement;
    const attempt = randomId(this.#time);
    let first = true;
    for (const portion of portions(changes)) {
      const args = [owner, String(leaseMs), String(epoch), attempt, first ? '1' : '0'];
      args.push(encodeChanges(portion));
      const staged = await this.#run<'staged' | 'fenced' | 'head_moved'>('stage', space, args);
      if (staged.outcome !== 'staged') return { outcome: staged.outcome, head: staged.head };
      first = false;
    }
    const header = encodeHeader({ epoch, base, prev: revision, revision, cutAt, leaseMs, bye: false });
    const numbers = [leaseMs, epoch, revision, base.epoch, base.revision, horizon, cutAt].map(String);
    const size = changes.reduce((sum, { json }) => sum + (json === '' ? 0 : 1), 0);
    const counts = [String(size), String(changes.length)];
    const args = [owner, ...numbers, this.#keys(space).channel, header, ...counts, attempt];
    return this.#run('replaceAll', space, args);
  }

  async since(
    space: string,
    { epoch, revision }: Position,
    limit: number,
    options: SinceOptions = {},
  ): Promise<Page> {
    const { horizon = 0, seen = 0 } = options;
    const { head, rest } = await this.#reply(
      'since',
      space,
      [epoch, revision, limit, horizon, seen].map(String),
    );
    const [full, more, lines] = rest;
    if (lines === undefined) throw new TandemError('INVALID_FRAME', 'expected a page in a reply, got none');
    const { changes, isSound } = decodePage(lines);
    return {
      head: isSound ? head : { ...head, keysLost: true },
      full: full === '1',
      more: more === '1',
      changes,
    };
  }

  async renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    await this.#run('renew', space, [owner, String(leaseMs), String(epoch)]);
  }

  async release(space: string, owner: string, epoch: number, farewell?: Header): Promise<void> {
    const args = [owner, String(epoch), this.#keys(space).channel, farewell ? encodeHeader(farewell) : ''];
    await this.#run('release', space, args);
  }

  async subscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const channel = this.#keys(space).channel;
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(deliver));
    await this.subscriber.call((client) => client.subscribe(channel));
  }

  async unsubscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const channel = this.#keys(space).channel;
    const listeners = this.#listeners.get(channel);
    listeners?.delete(deliver);
    if (listeners?.size !== 0) return;
    this.#listeners.delete(channel);
    if (this.subscriber.up) await this.subscriber.call((client) => client.unsubscribe(channel));
  }

  stop(): void {
    this.commands.stop();
    this.subscriber.stop();
  }

  #deliver(channel: string, message: string): void {
    this.subscriber.heard();
    for (const deliver of this.#listeners.get(channel) ?? []) deliver(message);
  }

  async #run<O extends string>(
    name: keyof typeof SCRIPTS,
    space: string,
    args: string[],
  ): Promise<{ outcome: O; head: Head }> {
    const { outcome, head } = await this.#reply(name, space, args);
    return { outcome: outcome as O, head };
  }

  #reply(
    name: keyof typeof SCRIPTS,
    space: string,
    args: string[],
  ): Promise<{ outcome: string; head: Head; rest: string[] }> {
    return this.#ask(name, this.#keys(space), args, (reply) => {
      const fields = reply as string[];
      return { outcome: fields[0] ?? '', head: decodeHead(fields), rest: fields.slice(HEAD_LENGTH) };
    });
  }

  /**
   * Every reply bears the server's time: behind the outcome; first, or alone, where a commit was carried out.
   * @param take what is made of it
   */
  #ask<T>(
    name: keyof typeof SCRIPTS,
    { all, staging }: Keys,
    args: readonly string[],
    take: (reply: Answer) => T,
  ): Promise<T> {
    const script = SCRIPTS[name];
    const keys = name === 'stage' || name === 'replaceAll' ? staging : all;
    let sentAt = this.#time.now();
    const taken = (reply: unknown): T => {
      const receivedAt = this.#time.now();
      this.#clock.sample(sentAt, timeOf(reply as Answer), receivedAt);
      return take(reply as Answer);
    };
    const rescue = (failure: TandemError): Promise<T> => {
      if (!isUnknownScript(failure)) throw failure;
      sentAt = this.#time.now();
      return this.commands.send(() => script.byText(keys, args), taken);
    };
    return this.commands.send((client) => script.byHash(client, keys, args), taken, rescue);
  }

  #keys(space: string): Keys {
    let keys = this.#known.get(space);
    if (keys === undefined) this.#known.set(space, (keys = keysOf(space, this.#database)));
    return keys;
  }

  #select(client: Client): void {
    this.#database = databaseOf(client);
    this.#known.clear();
  }

  /** Ping of the command connection: a sign of life and a sample of the server's clock in one. */
  async #askTime(client: Client): Promise<void> {
    if (client.isCluster) return void (await client.ping());
    const sentAt = this.#time.now();
    const answer: unknown = await client.time();
    if (!Array.isArray(answer)) return;
    const [seconds, micros] = answer as string[];
    this.#clock.sample(sentAt, Number(seconds) * 1000 + Number(micros) / 1000, this.#time.now());
  }
}

/** A Redis that evicts loses state by design; the owner repairs it each time, and someone should know. */
async function findEviction(client: Client): Promise<TandemError | undefined> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await client.info('memory'))?.[1] ?? 'noeviction';
  if (policy === 'noeviction') return undefined;
  return new TandemError(
    'EVICTION_POLICY',
    `Redis is set to evict keys when its memory is full (maxmemory-policy ${policy}); what is state needs noeviction`,
  );
}

/** Where Redis has lost its scripts. */
function isUnknownScript({ cause }: TandemError): boolean {
  return cause instanceof Error && cause.message.startsWith('NOSCRIPT');
}

function* portions(changes: readonly Change[]): Generator<Change[]> {
  let portion: Change[] = [];
  let length = 0;
  for (const change of changes) {
    portion.push(change);
    length += change.json.length;
    if (portion.length < PORTION_CHANGES && length < PORTION_LENGTH) continue;
    yield portion;
    portion = [];
    length = 0;
  }
  // The last portion may be empty: the first call is what clears an abandoned stage.
  yield portion;
}

/** Whether a reply is of a commit that was carried out: it says what its asker cannot know, and no more. */
function isCommitted(reply: readonly string[]): boolean {
  return reply.length < HEAD_LENGTH;
}

function timeOf(reply: Answer): number {
  return typeof reply === 'string' ? decodeTime(reply) : timeAt(reply, isCommitted(reply) ? 0 : 1);
}

function numberAt(reply: readonly string[], at: number): number {
  const value = Number(reply[at]);
  if (reply[at] !== undefined && Number.isFinite(value)) return value;
  throw new TandemError('INVALID_FRAME', `expected a number at ${at} in a reply, got ${reply[at]}`);
}

function timeAt(reply: readonly string[], at: number): number {
  const ms = decodeTime(reply[at] ?? '');
  if (!Number.isNaN(ms)) return ms;
  throw new TandemError('INVALID_FRAME', `expected a time at ${at} in a reply, got ${reply[at]}`);
}

function decodeHead(reply: readonly string[]): Head {
  const number = (at: number): number => numberAt(reply, at);
  return {
    now: timeAt(reply, 1),
    fence: number(2),
    epoch: number(3),
    revision: number(4),
    base: { epoch: number(5), revision: number(6) },
    size: number(7),
    horizon: number(8),
    cutAt: number(9),
    owner: reply[10] ?? '',
    ownerName: reply[11] ?? '',
    leaseMs: number(12),
    keysLost: reply[13] === '1',
  };
}
