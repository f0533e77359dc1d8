/**
 * The store that Redis is: each call one script, each reply bearing the server's time.
 *
 * Two connections serve all spaces of the process, one for calls and one for what is published. The second
 * is made when someone first asks for it.
 */
import type { ServerClock } from '../clock.ts';
import { TandemError } from '../errors.ts';
import type { Change, Header } from '../frame.ts';
import { decodePage, encodeHeader } from '../frame.ts';
import type { Position } from '../position.ts';
import type { Claim, Cut, Head, Outcome, Page, SinceOptions, Store, Swap } from '../store.ts';
import type { Time } from '../time.ts';
import { randomId } from '../time.ts';
import type { Client, RedisTarget } from './client.ts';
import { clientMaker, databaseOf } from './client.ts';
import { Connection } from './connection.ts';
import { keysOf } from './keys.ts';
import { Script } from './script.ts';

/** A staged portion holds Redis for a millisecond or so. */
const PORTION_CHANGES = 1_000;
const PORTION_LENGTH = 512 * 1024;
/** The head takes this many places in a reply. */
const HEAD_LENGTH = 14;

const SCRIPTS = {
  claim: new Script('claim'),
  commit: new Script('commit'),
  stage: new Script('stage'),
  swap: new Script('swap'),
  since: new Script('since'),
  renew: new Script('renew'),
  release: new Script('release'),
};

export interface RedisStoreOptions {
  readonly redis: RedisTarget;
  readonly time: Time;
  readonly clock: ServerClock;
  /** How long Redis may take for any answer, ms. */
  readonly deadlineMs: number;
}

export class RedisStore implements Store {
  readonly commands: Connection;
  readonly subscriber: Connection;
  readonly #time: Time;
  readonly #clock: ServerClock;
  #database = 0;
  readonly #listeners = new Map<string, Set<(message: string) => void>>();

  constructor({ redis, time, clock, deadlineMs }: RedisStoreOptions) {
    const make = clientMaker(redis);
    this.#time = time;
    this.#clock = clock;
    this.commands = new Connection({
      make,
      time,
      deadlineMs,
      heartbeat: (client) => this.#askTime(client),
      prepare: (client) => (this.#database = databaseOf(client)),
    });
    this.subscriber = new Connection({
      make,
      time,
      deadlineMs,
      heartbeat: async (client) => void (await client.ping()),
      prepare: (client) => {
        this.#database = databaseOf(client);
        client.on('message', (channel: string, message: string) => this.#deliver(channel, message));
      },
    });
  }

  async claim(space: string, claim: Claim): Promise<Outcome<'claimed', 'held'>> {
    const { owner, ownerName, known, leaseMs } = claim;
    return this.#run('claim', space, [owner, ownerName, String(known), String(leaseMs)]);
  }

  async commit(space: string, cut: Cut): Promise<Outcome<'committed', 'fenced' | 'diverged' | 'damaged'>> {
    const { owner, leaseMs, epoch, prev, revision, base, horizon, cutAt, dropped, changes } = cut;
    const header = encodeHeader({ epoch, base, prev: prev.revision, revision, cutAt, leaseMs, bye: false });
    const numbers = [
      leaseMs,
      epoch,
      prev.epoch,
      prev.revision,
      revision,
      base.epoch,
      base.revision,
      horizon,
      cutAt,
    ];
    const args = [
      owner,
      ...numbers.map(String),
      this.#channel(space),
      header,
      String(dropped.length),
      ...dropped,
    ];
    pushChanges(args, changes);
    return this.#run('commit', space, args);
  }

  async swap(space: string, swap: Swap): Promise<Outcome<'committed', 'fenced' | 'diverged' | 'damaged'>> {
    const { owner, leaseMs, epoch, revision, base, horizon, cutAt, changes } = swap;
    const attempt = randomId(this.#time);
    let first = true;
    for (const portion of portions(changes)) {
      const args = [owner, String(leaseMs), String(epoch), attempt, first ? '1' : '0'];
      pushChanges(args, portion);
      const staged = await this.#run<'staged' | 'fenced' | 'diverged'>('stage', space, args);
      if (staged.outcome !== 'staged') return { outcome: staged.outcome, head: staged.head };
      first = false;
    }
    const header = encodeHeader({ epoch, base, prev: revision, revision, cutAt, leaseMs, bye: false });
    const numbers = [leaseMs, epoch, revision, base.epoch, base.revision, horizon, cutAt].map(String);
    const size = changes.reduce((sum, { json }) => sum + (json === '' ? 0 : 1), 0);
    const counts = [String(size), String(changes.length)];
    const args = [owner, ...numbers, this.#channel(space), header, ...counts, attempt];
    return this.#run('swap', space, args);
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
    const { changes, isSound } = decodePage(rest, 2);
    return {
      head: isSound ? head : { ...head, damaged: true },
      full: rest[0] === '1',
      more: rest[1] === '1',
      changes,
    };
  }

  async renew(space: string, owner: string, epoch: number, leaseMs: number): Promise<void> {
    await this.#run('renew', space, [owner, String(leaseMs), String(epoch)]);
  }

  async release(space: string, owner: string, farewell: Header): Promise<void> {
    const args = [owner, String(farewell.epoch), this.#channel(space), encodeHeader(farewell)];
    await this.#run('release', space, args);
  }

  async subscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const channel = this.#channel(space);
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(deliver));
    await this.subscriber.call((client) => client.subscribe(channel));
  }

  async unsubscribe(space: string, deliver: (message: string) => void): Promise<void> {
    const channel = this.#channel(space);
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

  #channel(space: string): string {
    return keysOf(space, this.#database).channel;
  }

  #deliver(channel: string, message: string): void {
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

  async #reply(
    name: keyof typeof SCRIPTS,
    space: string,
    args: string[],
  ): Promise<{ outcome: string; head: Head; rest: string[] }> {
    const { all, next } = keysOf(space);
    const script = SCRIPTS[name];
    const keys = name === 'stage' || name === 'swap' ? [...all, ...next] : all;
    const sentAt = this.#time.now();
    const reply = await this.commands.call((client) => script.run(client, keys, args));
    const head = decodeHead(reply);
    this.#clock.sample(sentAt, head.now, this.#time.now());
    return { outcome: reply[0] ?? '', head, rest: reply.slice(HEAD_LENGTH) };
  }

  /** Heartbeat of the command connection: a sign of life and a sample of the server's clock in one. */
  async #askTime(client: Client): Promise<void> {
    if (client.isCluster) return void (await client.ping());
    const sentAt = this.#time.now();
    const [seconds, micros] = await client.time();
    this.#clock.sample(sentAt, Number(seconds) * 1000 + Number(micros) / 1000, this.#time.now());
  }
}

/** Appends in place: spreading a large frame would overflow the stack. */
function pushChanges(args: string[], changes: Iterable<Change>): void {
  for (const { key, revision, json } of changes) args.push(key, String(revision), json);
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

function decodeHead(reply: readonly string[]): Head {
  const number = (at: number): number => {
    const value = Number(reply[at]);
    if (reply[at] === undefined || !Number.isFinite(value)) {
      throw new TandemError(
        'INVALID_FRAME',
        `expected a number at ${at} in the head of a space, got ${reply[at]}`,
      );
    }
    return value;
  };
  return {
    now: number(1),
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
    damaged: reply[13] === '1',
  };
}
