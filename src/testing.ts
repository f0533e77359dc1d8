/**
 * The entry of `tandem-sync/testing`: a simulated Redis and a fake time, for the tests of an application.
 *
 *     const server = memoryServer();
 *     const time = fakeTime();
 *     const trader = connect({ store: server, time, name: 'trader' });
 *     const api = connect({ store: server, time, name: 'api' });
 */
import { FakeTime as Clock } from './base/fake-time.ts';
import { requireObject } from './base/options.ts';
import type { MachineClock, Time } from './base/time.ts';
import { MemoryServer } from './memory/memory-server.ts';

export type { MachineClock, Time } from './base/time.ts';
export type { MemoryServer } from './memory/memory-server.ts';

/** A time that passes only by `advance`. */
export interface FakeTime extends Time {
  /**
   * Lets time pass: runs each due timer in order, and everything that follows from it, until all is quiet.
   * Calls follow each other, also where nobody awaits them.
   * @param ms 0 to 31,536,000,000, a year. With 0, only what takes no time is done
   * @throws TandemError `INVALID_OPTION`; `TIMEOUT` where work never ends; whatever a timer's function throws
   */
  advance(ms: number): Promise<void>;
  /** The same time for `createActor(machine, { clock })`, where a machine of your own runs the actors. */
  readonly clock: MachineClock;
}

/**
 * A simulated Redis. Any number of participants in one process join it by `connect({ store: server })`. It
 * needs no end: it has no timer, and nothing outside the process.
 */
export function memoryServer(): MemoryServer {
  return new MemoryServer();
}

/**
 * A time for `connect({ store: server, time })`. Every timer of every participant waits for `advance`.
 * @param options.seed of all random numbers, such as jitter and ids. The same seed, and the same calls, have
 *   the same outcome. Default 1
 * @throws TandemError `INVALID_OPTION`
 */
export function fakeTime(options: { readonly seed?: number } = {}): FakeTime {
  requireObject('fakeTime', options);
  return new Clock(options.seed);
}
