/** The process that sets and gets values and times the calls, in its own loop, with a Redis. */
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { connect } from '../harness/library.ts';
import { keyOf, tick } from '../harness/tick.ts';
import { quotes } from '../ways/tandem.ts';

const KEYS = 1_000;
/** The number of updates in one turn of the loop. */
const A_TURN = 1_000;

const names = Array.from({ length: KEYS }, (_, n) => keyOf(n, KEYS)) as 'quote/'[];
/** Different values, as from a market. They are made beforehand, so that only the calls are timed. */
const values = names.map((_, n) => tick(n, monotonicMs()));
const map = new Map<string, string>();
const parsed = new Map<string, unknown>(names.map((name, n) => [name, values[n]]));
let kept: unknown;

const tandem = connect({ redis: process.env.BENCH_REDIS!, name: 'setter' });
const owner = tandem.own(quotes);
const reader = tandem.follow(quotes);

/**
 * The duration of one call, ns: the time of many calls in a row, with a turn of the loop after every
 * thousand.
 */
async function timed(turns: number, call: (n: number) => void): Promise<number> {
  let tookMs = 0;
  for (let turn = 0; turn < turns; turn += 1) {
    const started = performance.now();
    for (let n = 0; n < A_TURN; n += 1) call(n);
    tookMs += performance.now() - started;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return (tookMs * 1e6) / (turns * A_TURN);
}

serve({
  open: async () => {
    await owner.ready();
    for (const [n, name] of names.entries()) owner.set(name, values[n]!);
    await reader.ready();
    await reader.waitFor(await owner.flush());
  },
  set: (turns: number) => timed(turns, (n) => owner.set(names[n]!, values[n]!)),
  mapSet: (turns: number) => timed(turns, (n) => map.set(names[n]!, JSON.stringify(values[n]))),
  get: (turns: number) => timed(turns, (n) => (kept = reader.get(names[n]!))),
  getAtOwner: (turns: number) => timed(turns, (n) => (kept = owner.get(names[n]!))),
  mapGet: (turns: number) => timed(turns, (n) => (kept = parsed.get(names[n]!))),
  kept: () => typeof kept,
});
