/** The freshness tracker: a proof ages, and is void once the machine has slept. */
import test from 'ava';
import { ServerClock } from '../../src/base/clock.ts';
import type { Content } from '../../src/follower/freshness.ts';
import { FreshnessTracker } from '../../src/follower/freshness.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const BOUND_MS = 750;
const LEASE_MS = 3_000;
const EPOCH = 4;
/** The server's clock, where the follower's is at zero, ms. */
const SERVER_MS = 1_764_000_000_000;

class Bench {
  readonly time = new FakeTime();
  readonly clock = new ServerClock(this.time);
  /** How often the tracker has told of a change. */
  changes = 0;
  readonly tracker = new FreshnessTracker(this.time, BOUND_MS, {
    renewed: () => {},
    changed: () => (this.changes += 1),
  });

  constructor() {
    this.time.skip(1_000);
    this.ask();
    this.tracker.redis(true);
  }

  get server(): number {
    return SERVER_MS + this.time.now();
  }

  /** A round trip that takes no time. */
  ask(): void {
    this.clock.sample(this.time.now(), this.server, this.time.now());
  }

  /** A frame that was cut `agoMs` ago. */
  hear(agoMs = 0, content: Content = 'unknown'): void {
    const cutAt = this.server - agoMs;
    const sign = { cutAt, epoch: EPOCH, leaseMs: LEASE_MS, publishedAt: cutAt, bye: false };
    this.tracker.heard(sign, this.clock, content);
  }

  sleep(ms: number): void {
    this.time.sleep(ms);
  }

  get says() {
    const { proof } = this.tracker;
    return {
      freshness: proof.freshness(),
      staleMs: Math.round(proof.staleMs()),
      ownerAlive: proof.ownerAlive(),
      leaseMs: Math.round(proof.leaseMs()),
    };
  }
}

test('a proof ages by the time that passes', (t) => {
  const bench = new Bench();
  bench.hear(100);
  t.deepEqual(bench.says, { freshness: 'live', staleMs: 100, ownerAlive: true, leaseMs: 2_900 });
  t.is(Math.round(bench.tracker.staleFrom), 1_650);
  t.false(bench.tracker.isVoid);
  bench.time.skip(651);
  t.like(bench.says, { freshness: 'stale', staleMs: 751, ownerAlive: true });
});

test('a proof is void once the machine has slept, and its age counts the sleep', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.time.skip(50);
  bench.sleep(4_000);
  t.deepEqual(bench.says, { freshness: 'stale', staleMs: 4_050, ownerAlive: false, leaseMs: 0 });
  t.true(bench.tracker.isVoid);
  t.is(Math.round(bench.tracker.staleFrom), 1_750, 'it had aged before the waking');
});

test('a sleep shorter than the staleness bound voids a proof too', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.sleep(200);
  t.deepEqual(bench.says, { freshness: 'stale', staleMs: 200, ownerAlive: false, leaseMs: 0 });
  t.is(Math.round(bench.tracker.staleFrom), 1_200, 'stale from the waking on');
});

test('a reading that a caller keeps is void as well', (t) => {
  const bench = new Bench();
  bench.hear();
  const { proof } = bench.tracker;
  t.is(proof.freshness(), 'live');
  bench.sleep(200);
  t.is(proof.freshness(), 'stale');
});

test('frames prove nothing until a round trip after the sleep shows the clock anew', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.sleep(4_000);
  bench.hear();
  t.like(bench.says, { freshness: 'stale', staleMs: 4_000, ownerAlive: false });
  bench.time.skip(10);
  bench.ask();
  // This one waited in the socket while the machine slept.
  bench.hear(3_000);
  t.like(bench.says, { freshness: 'stale', staleMs: 3_000 });
  bench.hear();
  t.deepEqual(bench.says, { freshness: 'live', staleMs: 0, ownerAlive: true, leaseMs: LEASE_MS });
});

test('a frame from before the machine slept, behind a newer one, is told: the owner reads as lost', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.sleep(400);
  bench.time.now();
  bench.time.skip(10);
  bench.ask();
  bench.hear();
  t.true(bench.says.ownerAlive);
  const before = bench.changes;
  bench.hear(200);
  t.false(bench.says.ownerAlive);
  t.is(bench.changes, before + 1);
});

test('a frame that was cut before the machine woke does not prove the state live', (t) => {
  const bench = new Bench();
  bench.sleep(4_000);
  bench.time.now();
  bench.time.skip(10);
  bench.ask();
  bench.hear(20);
  t.is(bench.says.freshness, 'stale');
  bench.hear(5);
  t.is(bench.says.freshness, 'live');
});

test('a frame of a little ahead is of now: this machine has slept for less than it notices', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.time.skip(500);
  bench.hear(-50);
  t.like(bench.says, { freshness: 'live', staleMs: 0, ownerAlive: true, leaseMs: 3_000 });
});

test('a frame of a time to come proves nothing of its owner', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.time.skip(500);
  bench.hear(-150);
  t.like(bench.says, { freshness: 'stale', ownerAlive: true, leaseMs: 2_500 });
});

test('a frame of far in the future shows that a clock stood still or was set: the state is stale', (t) => {
  const bench = new Bench();
  bench.hear();
  t.is(bench.says.freshness, 'live');
  bench.time.skip(10);
  // Both clocks of a VM that was paused for 5 s are behind.
  bench.hear(-5_000);
  t.is(bench.says.freshness, 'stale');
  bench.time.skip(10);
  bench.clock.sample(bench.time.now(), bench.server + 5_000, bench.time.now());
  bench.hear(-5_000);
  t.like(bench.says, { freshness: 'live', staleMs: 0 });
});

test('a wall clock that is set forward makes the proof stale, and one that is set back changes nothing', (t) => {
  const bench = new Bench();
  bench.hear();
  bench.time.setWall(-3_600_000);
  t.like(bench.says, { freshness: 'live', staleMs: 0, ownerAlive: true });
  bench.time.setWall(3_600_000);
  t.like(bench.says, { freshness: 'stale', ownerAlive: false });
  bench.ask();
  bench.hear();
  t.like(bench.says, { freshness: 'live', staleMs: 0, ownerAlive: true });
});

test('from a mismatch on nothing is proven, neither by frames nor by keys, until the next match', (t) => {
  const bench = new Bench();
  bench.hear(0, 'same');
  bench.time.skip(100);
  bench.hear(0, 'different');
  t.like(bench.says, { freshness: 'stale', staleMs: 100, ownerAlive: true });
  t.is(Math.round(bench.tracker.staleFrom), 1_100, 'the moment of the mismatch');
  bench.hear();
  t.like(bench.says, { freshness: 'stale', staleMs: 100 }, 'a frame without a digest proves no content');
  bench.tracker.prove(bench.server, EPOCH, bench.clock);
  t.like(bench.says, { freshness: 'stale', staleMs: 100 }, 'nor do the keys');
  bench.time.skip(50);
  bench.hear(0, 'same');
  t.like(bench.says, { freshness: 'live', staleMs: 0 });
});
