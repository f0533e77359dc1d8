/** The lease keeper: while its owner works on something long, the lease is renewed by time alone. */
import assert from 'node:assert/strict';
import test from 'ava';
import { Lease } from '../../src/owner/lease.ts';
import { LeaseKeeper } from '../../src/owner/lease-keeper.ts';
import type { Runtime } from '../../src/ports/runtime.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const LEASE_MS = 1_000;

/** A keeper whose store writes down when it was asked for a renewal. */
function keeperOf(renew: () => Promise<void> = async () => {}) {
  const time = new FakeTime();
  const renewals: { at: number; epoch: number }[] = [];
  const store = {
    renew: (_: string, __: string, epoch: number) => {
      renewals.push({ at: time.now(), epoch });
      return renew();
    },
  };
  const lease = new Lease('owner', LEASE_MS);
  const keeper = new LeaseKeeper('space', { time, store } as unknown as Runtime, lease);
  return { time, lease, keeper, renewals };
}

test('a lease is renewed four times in its length, until the work has ended', async (t) => {
  const { time, lease, keeper, renewals } = keeperOf();
  lease.granted(7);
  const work = Promise.withResolvers<string>();
  const kept = keeper.during(work.promise, new AbortController().signal);
  await time.advance(1_000);
  t.deepEqual(
    renewals,
    [250, 500, 750, 1_000].map((at) => ({ at, epoch: 7 })),
  );
  work.resolve('done');
  t.is(await kept, 'done');
  await time.advance(1_000);
  t.is(renewals.length, 4);
});

test('nothing is renewed before a lease was granted', async (t) => {
  const { time, lease, keeper, renewals } = keeperOf();
  const work = Promise.withResolvers<void>();
  const kept = keeper.during(work.promise, new AbortController().signal);
  await time.advance(600);
  t.deepEqual(renewals, []);
  lease.granted(7);
  await time.advance(200);
  t.deepEqual(renewals, [{ at: 750, epoch: 7 }]);
  work.resolve();
  await kept;
});

test('work that is called off renews nothing more, though it never ends', async (t) => {
  const { time, lease, keeper, renewals } = keeperOf();
  lease.granted(7);
  const abort = new AbortController();
  void keeper.during(new Promise(() => {}), abort.signal);
  await time.advance(300);
  abort.abort();
  await time.advance(1_000);
  t.is(renewals.length, 1);
});

test('a renewal that fails is passed over, and what the work throws reaches the caller', async (t) => {
  const { time, lease, keeper, renewals } = keeperOf(() => Promise.reject(new Error('out')));
  lease.granted(7);
  const work = Promise.withResolvers<void>();
  const failed = assert.rejects(keeper.during(work.promise, new AbortController().signal), /broken/);
  await time.advance(600);
  t.is(renewals.length, 2);
  work.reject(new Error('broken'));
  await failed;
  await time.advance(1_000);
  t.is(renewals.length, 2);
});
