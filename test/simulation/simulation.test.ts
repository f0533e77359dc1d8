/** A short run of `npm run simulate`. To repeat a run: `SEED=… npx ava test/simulation`. */
import test from 'ava';
import { campaign, failure } from './campaign.ts';
import { run } from './run.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env.RUNS ?? 200);

test('every guarantee holds in a simulated world, whatever faults happen', async (t) => {
  t.timeout(300_000);
  t.log(`SEED=${seed}`);
  const sources = new Set<string>();
  const { operations, faults } = await campaign(seed, count, 1, (done) => {
    for (const { source } of done.history.of('read')) sources.add(source);
    if (done.violations.length > 0) t.fail(failure(done));
  });
  const strikes = Object.values(faults).reduce((sum, times) => sum + times, 0);
  t.log(`${count} seeds, ${operations} operations, ${strikes} faults`);
  // A run in which nobody could use one of the sources would pass, and prove nothing about it.
  t.deepEqual([...sources].toSorted(), ['direct', 'memory', 'redis']);
  t.true(operations > 500 * count && strikes > 4 * count);
});

test('a seed replays exactly: both runs record the same events', async (t) => {
  t.timeout(300_000);
  const [once, again] = [await run(seed), await run(seed)];
  t.is(once.hash, again.hash);
  t.not(once.hash, (await run(seed + 1)).hash);
});
