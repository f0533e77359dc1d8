/**
 * The server's clock as estimated here: the real time always lies within the claimed error, whatever the
 * round trips.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { ServerClock } from '../../src/base/clock.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

/** The rounding error of a few operations on a double near 1.8e12, ms. */
const ROUNDING_MS = 0.002;
const START_MS = 1_764_000_000_000;
/** The drift between two clocks, each of which may be wrong by half of it. */
const MAX_DRIFT = 100e-6;

/** A server whose clock runs at its own speed and can be set. */
class Server {
  readonly time = new FakeTime();
  readonly clock = new ServerClock(this.time);
  readonly #drift: number;
  #setBy = 0;

  constructor(drift: number) {
    this.#drift = drift;
  }

  now(): number {
    return START_MS + this.#setBy + this.time.now() * (1 + this.#drift);
  }

  set(byMs: number): void {
    this.#setBy += byMs;
  }

  /** Makes a round trip, of which `share` is the way there. */
  ask(roundTripMs: number, share = 0.5): void {
    const sentAt = this.time.now();
    this.time.skip(roundTripMs * share);
    const stamp = this.now();
    this.time.skip(roundTripMs * (1 - share));
    this.clock.sample(sentAt, stamp, this.time.now());
  }

  /** How far the real time lies outside the claimed range; negative when it is inside. */
  get wrongByMs(): number {
    return Math.abs(this.now() - this.clock.now()) - this.clock.errorMs - ROUNDING_MS;
  }
}

const roundTrip = fc.record({
  afterMs: fc.oneof(fc.nat(20), fc.nat(1_000), fc.nat(60_000)),
  roundTripMs: fc.oneof(
    fc.double({ min: 0.05, max: 2, noNaN: true }),
    fc.double({ min: 2, max: 500, noNaN: true }),
  ),
  share: fc.double({ min: 0, max: 1, noNaN: true }),
  askedAfterMs: fc.nat(40_000),
});
const drift = fc.double({ min: -MAX_DRIFT, max: MAX_DRIFT, noNaN: true });

test('without a sample, the clock claims nothing', (t) => {
  const clock = new ServerClock(new FakeTime());
  t.is(clock.errorMs, Infinity);
  t.is(clock.now(), NaN);
  t.is(clock.earliest(), -Infinity);
  t.is(clock.latest(), Infinity);
});

test('one round trip gives its middle, with half of it as the error', (t) => {
  const server = new Server(0);
  server.ask(10, 0.5);
  t.true(Math.abs(server.clock.errorMs - 5) < 0.01);
  t.true(Math.abs(server.clock.now() - server.now()) < ROUNDING_MS);
  t.true(Math.abs(server.clock.latest() - server.clock.earliest() - 10) < 0.02);
});

test('the shorter of two round trips counts', (t) => {
  const server = new Server(0);
  server.ask(100);
  server.ask(1);
  t.true(Math.abs(server.clock.errorMs - 0.5) < 0.01);
  server.ask(100);
  t.true(server.clock.errorMs < 0.6, 'a longer round trip afterwards changes little');
});

test('the error grows with time, as two clocks drift apart', (t) => {
  const server = new Server(0);
  server.ask(1);
  const before = server.clock.errorMs;
  server.time.skip(10_000);
  t.true(server.clock.errorMs - before >= 10_000 * 2 * MAX_DRIFT - 1e-9);
});

test('the real time is within the error, for any round trips and any drift up to 100 ppm', (t) =>
  check(
    t,
    fc.property(drift, fc.array(roundTrip, { minLength: 1, maxLength: 60 }), (drift, trips) => {
      const server = new Server(drift);
      for (const { afterMs, roundTripMs, share, askedAfterMs } of trips) {
        server.time.skip(afterMs);
        server.ask(roundTripMs, share);
        assert.ok(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
        server.time.skip(askedAfterMs);
        assert.ok(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms, later`);
        assert.ok(
          server.clock.earliest() <= server.clock.now() && server.clock.now() <= server.clock.latest(),
        );
      }
    }),
    { numRuns: 500 },
  ));

test('the clock never goes back after a better round trip, and the real time stays within the error', (t) =>
  check(
    t,
    fc.property(drift, fc.array(roundTrip, { minLength: 2, maxLength: 60 }), (drift, trips) => {
      const server = new Server(drift);
      let before = -Infinity;
      for (const { afterMs, roundTripMs, share } of trips) {
        server.time.skip(afterMs);
        server.ask(roundTripMs, share);
        const now = server.clock.now();
        assert.ok(now >= before, `from ${before} back to ${now}`);
        assert.ok(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
        before = now;
      }
    }),
    { numRuns: 500 },
  ));

test('the clock waits where a better round trip would set it back, and states the error meanwhile', (t) => {
  const server = new Server(0);
  // All of the long round trip was the way there, so the estimate is 100 ms too late.
  server.ask(200, 1);
  const ahead = server.clock.now();
  t.true(ahead - server.now() > 90);
  server.ask(1);
  t.is(server.clock.now(), ahead);
  t.true(server.clock.errorMs >= ahead - server.now() - ROUNDING_MS);
  server.time.skip(200);
  t.true(Math.abs(server.clock.now() - server.now()) < 0.6);
  t.true(server.clock.errorMs < 0.6);
});

test('the real time is within the error when the way back was all of a long round trip', (t) => {
  const server = new Server(MAX_DRIFT);
  server.ask(500, 0);
  t.true(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
});

test('the error is small enough to be useful: half the best recent round trip, plus the drift', (t) =>
  check(
    t,
    fc.property(
      drift,
      fc.array(fc.double({ min: 0.05, max: 50, noNaN: true }), { minLength: 2 }),
      (drift, trips) => {
        const server = new Server(drift);
        let best = Infinity;
        for (const roundTripMs of trips.slice(0, 20)) {
          server.ask(roundTripMs);
          best = Math.min(best, roundTripMs / 2);
          assert.ok(server.clock.errorMs <= best + server.time.now() * 200e-6 + 1e-9);
        }
      },
    ),
  ));

test("when the server's clock is set, the next round trip notices", (t) =>
  check(
    t,
    fc.property(
      drift,
      fc.array(roundTrip, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 2_000, max: 1e10 }),
      fc.constantFrom(1, -1),
      fc.double({ min: 0.05, max: 500, noNaN: true }),
      (drift, trips, byMs, sign, roundTripMs) => {
        const server = new Server(drift);
        for (const { afterMs, roundTripMs, share } of trips) {
          server.time.skip(afterMs);
          server.ask(roundTripMs, share);
        }
        server.set(sign * byMs);
        assert.ok(server.wrongByMs > 1_000, 'it cannot be known before');
        server.ask(roundTripMs);
        assert.ok(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
      },
    ),
  ));

test("when the server's clock is set by less than the error, the clock is right again within half a minute", (t) =>
  check(
    t,
    fc.property(
      drift,
      fc.double({ min: -400, max: 400, noNaN: true }),
      fc.nat(500),
      fc.integer({ min: 300, max: 10_000 }),
      (drift, byMs, worstMs, everyMs) => {
        const server = new Server(drift);
        server.ask(0.1);
        server.set(byMs);
        for (const end = server.time.now() + 30_000; server.time.now() <= end; server.time.skip(everyMs))
          server.ask(1 + worstMs);
        server.ask(1 + worstMs);
        assert.ok(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
      },
    ),
    { numRuns: 500 },
  ));

test('an impossible round trip is ignored', (t) => {
  const server = new Server(0);
  server.ask(1);
  const before = server.clock.errorMs;
  server.clock.sample(5, NaN, 6);
  server.clock.sample(5, Infinity, 6);
  server.clock.sample(6, START_MS, 5);
  t.is(server.clock.errorMs, before);
  t.true(server.wrongByMs <= 0);
});

test('a reset forgets everything', (t) => {
  const server = new Server(0);
  server.ask(1);
  server.clock.reset();
  t.is(server.clock.errorMs, Infinity);
  t.is(server.clock.now(), NaN);
});

test('what was measured before a sleep goes by what the clock knew then, also once it knows better', (t) => {
  const server = new Server(0);
  server.ask(2);
  const before = server.time.now();
  const aheadMs = server.clock.aheadMs(before);
  // A wall clock that is set looks like a sleep: the server's clock did not move along.
  server.time.sleep(3_600_000);
  server.set(-3_600_000);
  const after = server.time.now();
  t.is(server.clock.aheadMs(before), aheadMs);
  server.ask(2);
  t.is(server.clock.aheadMs(before), aheadMs);
  t.is(Math.round(server.clock.aheadMs(after)), Math.round(aheadMs) - 3_600_000);
});

test('after a sleep of the machine the clock claims nothing, until a round trip that began after it', (t) => {
  const server = new Server(0);
  server.ask(1);
  const sentAt = server.time.now();
  server.time.sleep(4_000);
  t.is(server.clock.latest(), Infinity);
  t.is(server.clock.earliest(), -Infinity);
  t.is(server.clock.errorMs, Infinity);
  t.is(server.clock.now(), NaN);
  server.clock.sample(sentAt, server.now(), server.time.now());
  t.is(server.clock.latest(), Infinity, 'a round trip that was under way shows nothing');
  server.ask(1);
  t.true(server.wrongByMs <= 0, `wrong by ${server.wrongByMs} ms`);
  t.true(server.clock.errorMs < 1);
});
