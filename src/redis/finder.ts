/**
 * Finds spaces in Redis: those that exist by `SCAN`, and those that appear by a pattern subscription, which brings
 * the frames of all of them as well.
 */
import type { Cluster, Redis } from 'ioredis';
import type { TandemError } from '../base/errors.ts';
import type { DeliverFrom, Finder, Found } from '../ports/finder.ts';
import { isSpaceName } from '../state/space-name.ts';
import type { Connection } from './connection.ts';
import type { Keys } from './keys.ts';
import { keysOf } from './keys.ts';
import { isDenied, missingPattern } from './permissions.ts';
import type { Client } from './target.ts';

/** Redis looks at so many keys in one call: it takes a third of a millisecond. */
const SCANNED = 1_000;
/** Spaces are asked for their removal so many at a time. */
const ASKED = 500;

export interface FinderParts {
  readonly commands: Connection;
  readonly subscriber: Connection;
  /** What all keys of the process begin with. */
  readonly prefix: string | undefined;
  /** The keys of a space, in the database of the process. */
  readonly keysOf: (space: string) => Keys;
}

export class RedisFinder implements Finder {
  readonly #parts: FinderParts;
  /** What all keys begin with, up to the name of the space. */
  readonly #opening: string;
  /** By pattern. */
  readonly #listeners = new Map<string, Set<DeliverFrom>>();

  constructor(parts: FinderParts) {
    this.#parts = parts;
    this.#opening = this.#metaOf('').split('}')[0]!;
  }

  async names(start: string, signal: AbortSignal): Promise<Found> {
    const { commands } = this.#parts;
    const pattern = `${this.#opening}${start}*}:meta`;
    const found = new Set<string>();
    for (const node of await commands.call(nodesOf)) {
      let cursor = '0';
      do {
        const from = cursor;
        const [next, keys] = await commands.call((client) =>
          (node ?? (client as Redis)).scan(from, 'MATCH', pattern, 'COUNT', SCANNED),
        );
        signal.throwIfAborted();
        for (const key of keys) if (isSpaceName(this.#spaceOf(key))) found.add(this.#spaceOf(key));
        cursor = next;
      } while (cursor !== '0');
    }
    const present = await this.present([...found]);
    signal.throwIfAborted();
    return { names: present };
  }

  async subscribe(start: string, deliver: DeliverFrom): Promise<void> {
    const pattern = this.#pattern(start);
    const listeners = this.#listeners.get(pattern) ?? new Set();
    this.#listeners.set(pattern, listeners.add(deliver));
    await this.#parts.subscriber
      .call((client) => client.psubscribe(pattern))
      .catch((error: TandemError) => {
        throw isDenied(error) ? missingPattern(error, pattern) : error;
      });
  }

  async unsubscribe(start: string, deliver: DeliverFrom): Promise<void> {
    const pattern = this.#pattern(start);
    const listeners = this.#listeners.get(pattern);
    listeners?.delete(deliver);
    if (listeners?.size !== 0) return;
    this.#listeners.delete(pattern);
    const { subscriber } = this.#parts;
    if (subscriber.up) await subscriber.call((client) => client.punsubscribe(pattern));
  }

  /** Subscribes again: see `sharded.ts`. */
  async renew(): Promise<void> {
    const { subscriber } = this.#parts;
    for (const pattern of this.#listeners.keys())
      if (subscriber.up) await subscriber.call((client) => client.psubscribe(pattern));
  }

  /** A message has come by a pattern. */
  deliver(pattern: string, channel: string, message: string): void {
    const space = this.#spaceOf(channel);
    // Anybody can publish, under any name. And the pattern also takes the channels of other databases.
    if (!isSpaceName(space)) return;
    if (this.#parts.keysOf(space).channel !== channel) return;
    for (const deliver of this.#listeners.get(pattern) ?? []) deliver(space, message);
  }

  async present(spaces: readonly string[]): Promise<string[]> {
    const present: string[] = [];
    for (let at = 0; at < spaces.length; at += ASKED) {
      const some = spaces.slice(at, at + ASKED);
      const arePresent = await this.#parts.commands.call((client) =>
        Promise.all(some.map((space) => isPresent(client, this.#metaOf(space)))),
      );
      present.push(...some.filter((_, n) => arePresent[n]));
    }
    return present;
  }

  #metaOf(space: string): string {
    return keysOf(space, 0, this.#parts.prefix).live.names[0]!;
  }

  /** It is what the ACL of a follower of such spaces names, too: Redis compares the two as texts. */
  #pattern(start: string): string {
    return keysOf(`${start}*`, 0, this.#parts.prefix).pattern;
  }

  #spaceOf(name: string): string {
    return name.slice(this.#opening.length, name.indexOf('}'));
  }
}

/** The nodes whose keys together are all keys; `undefined` for whichever server the client is connected to. */
async function nodesOf(client: Client): Promise<readonly (Redis | undefined)[]> {
  return client.isCluster ? (client as Cluster).nodes('master') : [undefined];
}

/** Where somebody has put another type at the key, a living owner mends that. */
async function isPresent(client: Client, meta: string): Promise<boolean> {
  try {
    const [fence, removedAt] = await client.hmget(meta, 'fence', 'removedAt');
    return fence !== null && (removedAt === null || removedAt === '0');
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return true;
    throw error;
  }
}
