/** Lease: the claim that an owner has, and the time that it still runs. */
import test from 'ava';
import type { Head } from '../../src/ports/store.ts';
import { Lease } from '../../src/owner/lease.ts';
import { ZERO } from '../../src/state/position.ts';

const HEAD: Head = {
  epoch: 5,
  revision: 1,
  base: ZERO,
  fence: 5,
  size: 0,
  horizon: 0,
  cutAt: 0,
  owner: 'us',
  ownerName: 'us',
  leaseMs: 100,
  leaseAskedMs: 0,
  keysLost: false,
  wrongTypes: [],
  doubtedAt: 0,
  unsettled: 0,
  removedAt: 0,
  now: 0,
};

test('a lease is nothing until it is granted, and held only once the ledger is in its epoch', (t) => {
  const lease = new Lease('us', 100);
  t.is(lease.epoch, 0);
  lease.hold();
  t.false(lease.isHeld, 'nothing was granted');
  lease.granted(5);
  t.deepEqual([lease.epoch, lease.isHeld], [5, false]);
  lease.hold();
  t.true(lease.isHeld);
});

test('a claim that no longer stands still has to be given up', (t) => {
  const lease = new Lease('us', 100);
  lease.granted(5);
  lease.hold();
  lease.loosen();
  t.deepEqual([lease.epoch, lease.isHeld], [5, false]);
});

test('a lease runs from the moment of its renewal, and never below 0', (t) => {
  const lease = new Lease('us', 100);
  t.is(lease.leftMs(0), 0, 'never renewed');
  lease.renewed(1_000);
  t.is(lease.leftMs(1_030), 70);
  t.is(lease.leftMs(1_100), 0);
  t.is(lease.leftMs(2_000), 0);
});

test('a fence that rose without another owner needs a new claim only; with one, the space is lost', (t) => {
  const lease = new Lease('us', 100);
  lease.granted(5);
  lease.requireNotTakenOver('s', { ...HEAD, fence: 9 }, 5);
  lease.requireNotTakenOver('s', { ...HEAD, owner: 'them' }, 5);
  t.is(lease.lostTo, undefined);
  const theirs = { ...HEAD, fence: 9, owner: 'them', ownerName: 'their name' };
  t.throws(() => lease.requireNotTakenOver('s', theirs, 5), { code: 'FENCED', message: /their name/ });
  t.is(lease.lostTo, theirs);
});

test("the store shows the claim where both fence and owner are this owner's", (t) => {
  const lease = new Lease('us', 100);
  t.true(lease.isShownIn(HEAD, 5));
  t.false(lease.isShownIn({ ...HEAD, fence: 6 }, 5));
  t.false(lease.isShownIn({ ...HEAD, owner: 'them' }, 5));
});

/** A lease of 1,000 ms that was renewed at 1,000 and whose owner ran at that time. */
function renewed(): Lease {
  const lease = new Lease('us', 1_000);
  lease.runs(1_000, -Infinity);
  lease.renewed(1_000);
  return lease;
}

test('after a sleep nothing is left of a lease, until a renewal that was asked for after it', (t) => {
  const lease = renewed();
  lease.runs(1_200, 1_200);
  t.is(lease.leftMs(1_200), 0);
  t.false(lease.isInDoubt, 'it was too short for another to claim');
  lease.renewed(1_100);
  t.is(lease.leftMs(1_210), 0, 'asked for before the sleep, answered after it');
  lease.renewed(1_210);
  t.is(lease.leftMs(1_220), 990);
});

test('a sleep of half the lease puts the claim in doubt, since its length is known roughly', (t) => {
  const lease = renewed();
  lease.runs(1_500, 1_500);
  t.true(lease.isInDoubt);
  lease.renewed(1_400);
  t.true(lease.isInDoubt);
  lease.renewed(1_500);
  t.false(lease.isInDoubt);
});

test('short sleeps without a renewal add up', (t) => {
  const lease = renewed();
  for (const wokeAt of [1_200, 1_400]) lease.runs(wokeAt, wokeAt);
  t.false(lease.isInDoubt);
  lease.runs(1_600, 1_600);
  t.true(lease.isInDoubt);
});

test('a stop past the end of the lease puts the claim in doubt, one within it does not', (t) => {
  const within = renewed();
  within.runs(1_990, -Infinity);
  t.false(within.isInDoubt);
  t.is(within.leftMs(1_990), 10);
  const past = renewed();
  past.runs(2_000, -Infinity);
  t.true(past.isInDoubt);
  past.renewed(1_900);
  t.true(past.isInDoubt, 'asked for before the stop, answered after it');
  past.renewed(2_000);
  t.false(past.isInDoubt);
});

test('a lease that runs out while its owner runs puts nothing in doubt, and nor does a late timer then', (t) => {
  const lease = renewed();
  for (let now = 1_125; now < 5_000; now += 125) lease.runs(now, -Infinity);
  lease.runs(5_800, -Infinity);
  t.false(lease.isInDoubt);
  t.is(lease.leftMs(5_800), 0);
  lease.runs(6_800, -Infinity);
  t.true(lease.isInDoubt, 'a stop for a whole lease does');
});
