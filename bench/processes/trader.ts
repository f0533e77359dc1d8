/**
 * A busy trading loop. At a given rate it takes a tick, computes a little, and sets the result. It records
 * the duration of `set` and the delay of the loop's own timers. Its store is a Redis, or the memory of this
 * process.
 */
import { Redis } from 'ioredis';
import { ServerClock } from '../../src/base/clock.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { Tandem } from '../../src/tandem.ts';
import { systemTime } from '../../src/base/time.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { serve } from '../harness/child.ts';
import { Latencies, percentiles } from '../harness/histogram.ts';
import { keyOf, tick } from '../harness/tick.ts';
import type { Tick } from '../harness/tick.ts';

const trader = defineSpace('trader', { 'quote/*': json<Tick>() });
const KEYS = 1_000;
type Key = 'quote/';
/** Sends one update, in the way that is measured. */
let update: (key: Key, value: Tick) => unknown;

/** Some work between two sets: the average of earlier prices. */
const prices = new Float64Array(2_000);
function reckon(n: number): number {
  prices[n % prices.length] = n;
  let sum = 0;
  for (const price of prices) sum += price;
  return sum;
}

function inMemory(): Tandem {
  const time = systemTime;
  const clock = new ServerClock(time);
  const store = new MemoryStore({ server: new RedisModel(time), time, clock });
  const path = (): never => {
    throw new Error('there is no direct path here');
  };
  return new Tandem({ name: 'trader', store, clock, time, path }, () => {});
}

serve({
  open: async (url: string | undefined) => {
    const tandem = url === undefined ? inMemory() : connect({ redis: url, name: 'trader' });
    const owner = tandem.own(trader);
    owner.on('error', () => {});
    await owner.ready({ timeoutMs: 5_000 });
    update = (key, value) => owner.set(key, value);
  },
  /** Without Tandem: publishes each update at once. */
  openBare: async (url: string) => {
    const redis = new Redis(url);
    await redis.ping();
    update = (key, value) => void redis.publish(key, JSON.stringify(value)).catch(() => {});
  },
  run: async ({ rate, seconds }: { rate: number; seconds: number }) => {
    const sets = new Latencies();
    const delays = new Latencies();
    const count = rate * seconds;
    const start = performance.now();
    let sum = 0;
    for (let n = 0; n < count;) {
      const asked = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1));
      const now = performance.now();
      delays.record(Math.max(0, now - asked - 1));
      const due = Math.min(count, Math.floor(((now - start) / 1_000) * rate));
      for (; n < due; n += 1) {
        sum += reckon(n);
        const value = tick(n, now);
        const before = performance.now();
        update(keyOf(n, KEYS) as Key, value);
        // In tenths of a µs, so that a duration of a few µs has digits.
        sets.record((performance.now() - before) * 10);
      }
    }
    const [set, delay] = [percentiles([sets.take()]), percentiles([delays.take()])];
    return { setP50: set.p50 / 10, setP99: set.p99 / 10, delayP50: delay.p50, delayP99: delay.p99, sum };
  },
});
