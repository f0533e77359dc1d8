/** The server's clock, as a client knows it: it is never later than the client says. */
import test from 'ava';
import * as fc from 'fast-check';
import { FakeTime } from '../../src/base/fake-time.ts';
import { latestClock } from '../../src/client/latest-clock.ts';

test('without a round trip it can be any time at the server', (t) => {
  t.is(latestClock(new FakeTime()).latest(), Infinity);
});

test('a round trip bounds the time by what it took', (t) => {
  const time = new FakeTime();
  const clock = latestClock(time);
  const sentAt = time.now();
  time.skip(30);
  clock.sample(sentAt, 5_000);
  t.true(Math.abs(clock.latest() - 5_030) < 0.1);
});

test('what another process answers behind the same address is passed over', (t) => {
  const time = new FakeTime();
  const clock = latestClock(time);
  clock.sample(time.now(), 5_000);
  clock.heard(5_000);
  clock.sample(time.now(), 3);
  clock.sample(time.now(), 900_000);
  t.true(Math.abs(clock.latest() - 5_000) < 0.1);
});

test('an event from later than now shows that the clock was set', (t) => {
  const time = new FakeTime();
  const clock = latestClock(time);
  clock.sample(time.now(), 5_000);
  t.true(clock.heard(5_000.5));
  t.false(clock.heard(6_000));
});

test('nothing is known after a sleep', (t) => {
  const time = new FakeTime();
  const clock = latestClock(time);
  time.skip(10);
  clock.sample(time.now(), 5_000);
  time.skip(10);
  time.sleep(60_000);
  t.is(clock.latest(), Infinity);
});

test('it is never later than said, whatever the ways and the drift, and never far from it', (t) => {
  const trip = fc.record({
    rest: fc.integer({ min: 0, max: 120_000 }),
    there: fc.integer({ min: 0, max: 400 }),
    back: fc.integer({ min: 0, max: 400 }),
    isClock: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(trip, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: -200, max: 200 }),
      (trips, ppm) => {
        const time = new FakeTime();
        const clock = latestClock(time);
        const server = (at: number): number => 7_000_000 + at * (1 + ppm * 1e-6);
        let best = Infinity;
        let sampledAt = 0;
        for (const [n, { rest, there, back, isClock }] of trips.entries()) {
          time.skip(rest);
          const sentAt = time.now();
          time.skip(there);
          const now = server(time.now());
          time.skip(back);
          if (n === 0 || isClock) {
            clock.sample(sentAt, now);
            if (there <= best + (sentAt - sampledAt) * 4e-4) [best, sampledAt] = [there, sentAt];
          } else t.true(clock.heard(now));
          t.true(clock.latest() >= server(time.now()) - 0.01);
          t.true(clock.latest() - server(time.now()) <= best + (time.now() - sampledAt) * 4e-4 + 1);
        }
      },
    ),
  );
});
