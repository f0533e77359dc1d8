/**
 * A server that processes join in memory, where no Redis is. `connect({ store })` takes one; it is made by
 * `memoryServer()` of `tandem-sync/testing`.
 */
import type { ServerClock } from '../base/clock.ts';
import { kindOf } from '../base/kind.ts';
import { TandemError } from '../base/errors.ts';
import type { Time } from '../base/time.ts';
import type { Finder } from './finder.ts';
import type { Observers } from './observer.ts';
import type { Roster } from './roster.ts';
import type { Store } from './store.ts';

/** Known to every copy of this package: a process may load the core from one, and the kit from another. */
export const JOIN: unique symbol = Symbol.for('tandem-sync.join');

/** What processes join in memory: a `memoryServer()` of `tandem-sync/testing`. */
export interface StoreServer {
  /** @internal For `connect()`. */
  [JOIN](process: Joining): Joined;
}

/** A process that joins. */
export interface Joining {
  readonly name: string;
  /** Processes with other prefixes neither see nor disturb each other. */
  readonly prefix: string;
  /** `undefined`: the server's own, which is the real one unless a test runner fakes it. */
  readonly time: Time | undefined;
  /** A claim that arrives later than this is not granted, ms. */
  readonly deadlineMs: number;
  readonly observers: Observers;
}

/** What a process has from its server. */
export interface Joined {
  readonly store: Store;
  readonly finder: Finder;
  readonly roster: Roster;
  readonly time: Time;
  readonly clock: ServerClock;
  /** The store of a space, and the clock of its server. Default: those for all spaces. */
  readonly sideOf?: (space: string) => { readonly store: Store; readonly clock: ServerClock };
  /** Closes its links for good. */
  readonly leave: () => void;
}

/** @throws TandemError `INVALID_OPTION` */
export function requireStoreServer(name: string, value: unknown): StoreServer {
  if (typeof value === 'object' && value !== null && JOIN in value) return value as StoreServer;
  const expected = 'a memoryServer() of tandem-sync/testing';
  throw new TandemError('INVALID_OPTION', `${name}: expected ${expected}, got ${kindOf(value)}`);
}
