/**
 * The roster in Redis: a key for each process, which expires, and an index of their ids. All of them share a hash
 * tag, so they are on one node of a Cluster.
 *
 * A write is two commands in one go. Redis measures by the rest of a key's time how old the text is.
 */
import type { ServerClock } from '../base/clock.ts';
import type { Time } from '../base/time.ts';
import type { Roster, RosterEntry, RosterPage } from '../ports/roster.ts';
import type { Connection } from './connection.ts';
import type { FleetKeys } from './keys.ts';
import { fleetKeysOf } from './keys.ts';
import { isDenied, missingFleet } from './permissions.ts';
import type { Client } from './target.ts';

/** The most processes that are read, those first that have written last. */
const MOST_PROCESSES = 2_000;
/** So many are read at a time, until their texts are too long together, characters. */
const READ_AT_ONCE = 50;
const MOST_TEXT = 32 * 1024 * 1024;
/** Ids that are older than any text can be leave the index each so many writes; a write comes each 2 s. */
const TIDY_EVERY = 150;
const FORGOTTEN_MS = 2 * 3_600_000;

export interface RosterParts {
  readonly commands: Connection;
  /** What all keys of the process begin with. */
  readonly prefix: string | undefined;
  readonly time: Time;
  readonly clock: ServerClock;
}

export class RedisRoster implements Roster {
  readonly #parts: RosterParts;
  readonly #keys: FleetKeys;
  #writes = 0;

  constructor(parts: RosterParts) {
    this.#parts = parts;
    this.#keys = fleetKeysOf(parts.prefix);
  }

  async write(id: string, text: string, keptMs: number): Promise<void> {
    const { index, start } = this.#keys;
    const now = this.#now();
    await this.#call(false, (client) =>
      Promise.all([client.set(start + id, text, 'PX', keptMs), client.zadd(index, now, id)]),
    );
    if (this.#writes % TIDY_EVERY === 0)
      await this.#call(false, (client) =>
        Promise.all([
          client.zremrangebyscore(index, '-inf', now - FORGOTTEN_MS),
          client.pexpire(index, FORGOTTEN_MS),
        ]),
      );
    this.#writes += 1;
  }

  async read(): Promise<RosterPage> {
    const { index, start } = this.#keys;
    const ids = await this.#call(true, (client) => client.zrevrange(index, 0, MOST_PROCESSES));
    const listed = ids.slice(0, MOST_PROCESSES);
    const entries: RosterEntry[] = [];
    let [length, at] = [0, 0];
    for (; at < listed.length && length < MOST_TEXT; at += READ_AT_ONCE) {
      const some = listed.slice(at, at + READ_AT_ONCE);
      const found = await this.#call(true, (client) =>
        Promise.all(some.map((id) => entryOf(client, id, start + id))),
      );
      for (const entry of found) {
        if (entry === undefined) continue;
        entries.push(entry);
        length += entry.text.length;
      }
    }
    const now = await this.#call(true, serverTime);
    return { now, entries, leftOut: ids.length - Math.min(at, listed.length) };
  }

  async #call<T>(isReading: boolean, ask: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await this.#parts.commands.call(ask);
    } catch (error) {
      throw isDenied(error) ? missingFleet(error, this.#keys.pattern, isReading) : error;
    }
  }

  /** The server's time, as well as it is known: only what is hours old depends on it. */
  #now(): number {
    const { clock, time } = this.#parts;
    const known = clock.now();
    return Math.round(Number.isFinite(known) ? known : time.wall());
  }
}

/** Its text, and the rest of its time at that moment or just after: a text is never taken for older than it is. */
async function entryOf(client: Client, id: string, key: string): Promise<RosterEntry | undefined> {
  const [text, restMs] = await Promise.all([client.get(key), client.pttl(key)]);
  return text === null || restMs < 0 ? undefined : { id, text, restMs };
}

async function serverTime(client: Client): Promise<number> {
  const [seconds, micros] = (await client.time()) as unknown as string[];
  return Number(seconds) * 1_000 + Number(micros) / 1_000;
}
