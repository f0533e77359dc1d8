/** A standby beside an owner, on the store in memory, under a fake time. */
import test from 'ava';
import { defineSpace, json } from '../../src/index.ts';
import { MemoryWorld } from '../_memory-world.ts';

const space = defineSpace('desk', { 'a/*': json<number>() });
const KEYS = 5_000;
/** A page takes so long that all of the state takes longer than a lease, ms. */
const PAGE_MS = 500;

test('a standby that is still reading a large state does not try to claim while the owner lives', async (t) => {
  const world = new MemoryWorld();
  const [trading, spare] = [world.process('trading-1'), world.process('trading-2')];
  const owner = trading.tandem.own(space);
  await world.result(owner.ready());
  for (let n = 0; n < KEYS; n += 1) owner.set(`a/${n}`, n);
  await world.result(owner.flush());
  const { store } = spare;
  const since = store.since.bind(store);
  let pages = 0;
  store.since = async (...args) => {
    await new Promise<void>((resolve) => world.time.after(PAGE_MS, resolve));
    pages += 1;
    return since(...args);
  };
  const standby = spare.tandem.own(space, { standby: true });
  const told: string[] = [];
  standby.on('ownership', ({ ownership }) => told.push(ownership));
  const began = world.time.now();
  await world.time.until(() => standby.mode === 'connected', 'all of the state');
  t.true(pages > 10 && world.time.now() - began > 3_000, `${pages} pages`);
  t.deepEqual(told, []);
  await world.result(trading.tandem.stop());
  await world.time.until(() => standby.ownership === 'leading', 'the takeover');
});
