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
  keysLost: false,
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
