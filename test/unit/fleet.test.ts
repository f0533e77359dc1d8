/** Processes that register on a memory server, by a fake time. */
import test from 'ava';
import type { Fleet, Tandem } from '../../src/index.ts';
import { kit, trading } from '../_kit.ts';

type Kit = ReturnType<typeof kit>;

async function fleetOf({ time }: Pick<Kit, 'time'>, tandem: Tandem): Promise<Fleet> {
  const asked = tandem.fleet();
  await time.advance(50);
  return asked;
}

function shortly({ members }: Fleet): string[] {
  return members.map(({ name, role, standing }) => `${name} ${role} ${standing}`);
}

async function desk(t: Parameters<typeof kit>[0]) {
  const all = kit(t);
  const trader = all.join('trader');
  const spare = all.join('spare');
  const portal = all.join('portal');
  const owner = trader.own(trading);
  await all.time.advance(100);
  const standby = spare.own(trading, { standby: true });
  const follower = portal.follow(trading);
  owner.set('regime', 'calm');
  await all.time.advance(3_000);
  return { ...all, trader, spare, portal, owner, standby, follower };
}

test('each process sees all others: owner, standby and follower', async (t) => {
  const all = await desk(t);
  const fleet = await fleetOf(all, all.portal);
  t.deepEqual(shortly(fleet), ['trader owner well', 'spare standby well', 'portal follower well']);
  t.true(fleet.isWell);
  const [first] = fleet.members;
  t.like(first, { mode: 'connected', freshness: 'live', owner: 'alive', ownerName: 'trader' });
  t.is(first?.head, all.owner.head);
  t.is(first?.pid, process.pid);
  t.is(all.trader.registration, 'registered');
  t.deepEqual(first?.transitions.map(({ kind, to }) => `${kind} ${to}`).toSorted(), [
    'freshness live',
    'mode connected',
    'owner alive',
  ]);
});

test('one that is cut off is silent within six seconds, and gone after thirty', async (t) => {
  const all = await desk(t);
  all.server.cut('portal');
  await all.time.advance(6_000);
  t.deepEqual(shortly(await fleetOf(all, all.trader))[0], 'portal follower silent');
  await all.time.advance(30_000);
  const fleet = await fleetOf(all, all.trader);
  t.deepEqual(shortly(fleet)[0], 'portal follower gone');
  t.like(fleet.members[0], { mode: 'connected' }, 'what it said last');
  all.server.restore('portal');
  await all.time.advance(1_500);
  const back = (await fleetOf(all, all.trader)).members.find(({ name }) => name === 'portal')!;
  t.like(back, { standing: 'well', outages: 1 });
  const told = back.transitions.map(({ kind, to }) => `${kind} ${to}`);
  t.deepEqual(told.slice(-3).toSorted(), ['freshness live', 'mode connected', 'owner alive']);
  t.true(told.includes('mode degraded') && told.includes('freshness stale'), told.join(', '));
});

test('one that stops says so, is there for 15 minutes, and is nothing to act on', async (t) => {
  const all = await desk(t);
  const stopped = all.portal.stop();
  await all.time.advance(1_000);
  await stopped;
  const fleet = await fleetOf(all, all.trader);
  t.deepEqual(shortly(fleet).at(-1), 'portal follower stopped');
  t.true(fleet.isWell);
  await all.time.advance(901_000);
  t.false(shortly(await fleetOf(all, all.trader)).some((one) => one.startsWith('portal')));
});

test('a change is told at once, and a server that lost everything knows all again within two seconds', async (t) => {
  const all = await desk(t);
  all.trader.follow(trading);
  await all.time.advance(500);
  t.is((await fleetOf(all, all.portal)).members.length, 4);
  all.server.loseAll();
  await all.time.advance(2_500);
  t.is((await fleetOf(all, all.portal)).members.length, 4);
});

test('a process can be told not to register, and still sees the others and itself', async (t) => {
  const all = await desk(t);
  const quiet = all.open('quiet', { fleet: false, log: false });
  quiet.follow(trading);
  await all.time.advance(3_000);
  t.is(quiet.registration, 'off');
  t.is((await fleetOf(all, all.portal)).members.length, 3);
  t.is((await fleetOf(all, quiet)).members.length, 4);
});

test('without a server the fleet cannot be asked', async (t) => {
  const all = await desk(t);
  all.server.cut('portal');
  const asked = t.throwsAsync(all.portal.fleet(), { code: 'REDIS_UNAVAILABLE' });
  await all.time.advance(50);
  await asked;
});
