/** How long another owner's lease is believed. */
import test from 'ava';
import { LeaseWatch } from '../../src/state/lease-watch.ts';

const ASKED = 3_000;
const HOUR = 3_600_000;

/** A lease that ends at `expiresAt` by the server's clock, as it is shown at `now` by that clock. */
const shown = (expiresAt: number, now: number, leaseAskedMs = ASKED) => ({
  leaseMs: expiresAt - now,
  leaseAskedMs,
  now,
});

test('a lease of its own length runs until it expires', (t) => {
  const watch = new LeaseWatch();
  t.is(watch.look(shown(5_000, 2_000), 100), 3_000);
  t.is(watch.look(shown(5_000, 4_000), 2_100), 1_000);
  t.is(watch.outwaited(2_100), undefined);
});

test('no lease has no time left, and was not watched to its end', (t) => {
  const watch = new LeaseWatch();
  t.is(watch.look({ leaseMs: 0, leaseAskedMs: 0, now: 5 }, 100), 0);
  t.is(watch.outwaited(HOUR), undefined);
});

test('a lease with an hour left is believed for as long as it was asked for', (t) => {
  const watch = new LeaseWatch();
  t.is(watch.look(shown(HOUR, 0), 100), ASKED);
  t.is(watch.look(shown(HOUR, 2_000), 2_100), 1_000, 'each look counts from the first');
  t.is(watch.outwaited(2_100), undefined);
  t.is(watch.look(shown(HOUR, 3_000), 3_100), 0);
  t.is(watch.outwaited(3_100), HOUR);
});

test('a lease that is renewed is believed anew, also where the renewal shortens it', (t) => {
  const watch = new LeaseWatch();
  watch.look(shown(HOUR, 0), 0);
  t.is(watch.look(shown(5_900, 2_900), 2_900), ASKED);
  t.is(watch.outwaited(2_901), undefined);
  t.is(watch.renewals, 1);
});

test('an expiry that differs by the rounding of two times is the same', (t) => {
  const watch = new LeaseWatch();
  watch.look({ leaseMs: HOUR, leaseAskedMs: ASKED, now: 0.9 }, 0);
  t.is(watch.look({ leaseMs: HOUR - 3_001, leaseAskedMs: ASKED, now: 3_000.1 }, 3_000), 0);
  t.is(watch.renewals, 0);
});

test('the clock of the server may be set meanwhile: the expiry stays where it is', (t) => {
  const watch = new LeaseWatch();
  t.is(watch.look(shown(HOUR + 3_000, HOUR), 0), 3_000);
  // An hour back: what was three seconds is an hour and three seconds.
  t.is(watch.look(shown(HOUR + 3_000, 1_000), 1_000), 2_000);
  t.is(watch.look(shown(HOUR + 3_000, 3_000), 3_000), 0);
  t.is(watch.outwaited(3_000), HOUR + 3_000);
});

test('a lease without an expiry is over after the length that was asked for', (t) => {
  const watch = new LeaseWatch();
  const forever = { leaseMs: Infinity, leaseAskedMs: ASKED, now: 7 };
  t.is(watch.look(forever, 0), ASKED);
  t.is(watch.look({ ...forever, now: 3_007 }, 3_000), 0);
  t.is(watch.outwaited(3_000), Infinity);
});

test('where nobody says for how long a lease was asked, it was for as long as the watcher would ask', (t) => {
  const watch = new LeaseWatch();
  t.is(watch.look(shown(HOUR, 0, 0), 0), 3_000);
  watch.assume(500);
  t.is(watch.look(shown(HOUR, 100, 0), 100), 400);
});

test('the first look at a lease is no renewal, nor is one after the lease was free', (t) => {
  const watch = new LeaseWatch();
  watch.look(shown(3_000, 0), 0);
  watch.look({ leaseMs: 0, leaseAskedMs: 0, now: 3_500 }, 3_500);
  watch.look(shown(9_000, 6_000), 6_000);
  t.is(watch.renewals, 0);
});

test('what a rolled back Redis shows, and a lease of an hour, are no renewals', (t) => {
  const watch = new LeaseWatch();
  watch.look(shown(5_000, 2_000), 100);
  watch.look(shown(HOUR, 2_100), 200);
  t.is(watch.renewals, 0);
  watch.look(shown(4_900, 2_200), 300);
  t.is(watch.renewals, 1, 'an owner may have shortened it');
  watch.look(shown(4_500, 2_300), 400);
  t.is(watch.renewals, 1);
  watch.look(shown(5_400, 2_400), 500);
  t.is(watch.renewals, 2);
});
