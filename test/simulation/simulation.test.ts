/** A share of what `npm run simulate` does at length. The same again: `SEED=… npx ava test/simulation`. */
import test from 'ava';
import { campaign, failure } from './campaign.ts';
import { run } from './run.ts';

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
const count = Number(process.env.RUNS ?? 200);

test('whatever is done to a world, every guarantee holds in it', async (t) => {
  t.timeout(300_000);
  t.log(`SEED=${seed}`);
  const sources = new Set<string>();
  const { operations, faults } = await campaign(seed, count, 1, (done) => {
    for (const { source } of done.history.of('read')) sources.add(source);
    if (done.violations.length > 0) t.fail(failure(done));
  });
  const strikes = Object.values(faults).reduce((sum, times) => sum + times, 0);
  t.log(`${count} seeds, ${operations} operations, ${strikes} faults`);
  // A way that nobody could take would prove nothing, and look well.
  t.deepEqual([...sources].toSorted(), ['direct', 'memory', 'redis']);
  t.true(operations > 500 * count && strikes > 4 * count);
});

test('a seed replays: the same is written down, to the last digit', async (t) => {
  const [once, again] = [await run(seed), await run(seed)];
  t.is(once.hash, again.hash);
  t.not(once.hash, (await run(seed + 1)).hash);
});
