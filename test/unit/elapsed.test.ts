/**
 * Elapsed time: a sleep of the machine counts, a slew does not, and a clock that is set errs towards more.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { Elapsed, SUSPEND_BOUND_MS } from '../../src/base/elapsed.ts';
import { check } from '../_check.ts';

/** The clocks of a machine, as a test moves them. */
class Machine {
  monotonicMs = 5_000;
  wallMs = 1_764_000_000_000;
  /** Runs between the reading of the one clock and of the other. */
  between: () => void = () => {};
  #later: (() => void)[] = [];
  readonly elapsed: Elapsed;

  constructor() {
    this.elapsed = new Elapsed({
      monotonic: () => this.monotonicMs,
      wall: () => {
        this.between();
        return Math.floor(this.wallMs);
      },
      later: (run) => void this.#later.push(run),
    });
  }

  run(ms: number, slew = 0): void {
    this.monotonicMs += ms;
    this.wallMs += ms * (1 + slew);
  }

  sleep(ms: number): void {
    this.wallMs += ms;
  }

  endTurn(): void {
    for (const run of this.#later.splice(0)) run();
  }
}

test('while nothing sleeps, it is the monotonic clock', (t) => {
  const { elapsed } = new Machine();
  t.is(elapsed.now(), 5_000);
  t.is(elapsed.wokeAt, -Infinity);
});

test('a sleep counts from the first reading after it, which tells when', (t) => {
  const machine = new Machine();
  const { elapsed } = machine;
  machine.run(1_000);
  machine.sleep(4_000);
  t.is(elapsed.now(), 10_000);
  t.is(elapsed.wokeAt, 10_000);
  machine.run(20);
  t.is(elapsed.now(), 10_020);
  t.is(elapsed.wokeAt, 10_000, 'one sleep is told once');
});

test('whoever watches is called once a sleep, after the call that noticed it', (t) => {
  const machine = new Machine();
  let woken = 0;
  const end = machine.elapsed.onWake(() => (woken += 1));
  machine.sleep(200);
  machine.elapsed.now();
  t.is(woken, 0);
  machine.endTurn();
  machine.elapsed.now();
  machine.endTurn();
  t.is(woken, 1);
  end();
  machine.sleep(200);
  machine.elapsed.now();
  machine.endTurn();
  t.is(woken, 1);
});

test('sleeps below the bound are not counted, but add up', (t) => {
  const machine = new Machine();
  const { elapsed } = machine;
  machine.sleep(60);
  t.is(elapsed.now(), 5_000);
  machine.run(10);
  machine.sleep(60);
  t.is(elapsed.now(), 5_130);
  t.is(elapsed.wokeAt, 5_130);
});

test('a slew of 500 ppm is no sleep, however long it lasts, and one of 2 % is', (t) => {
  const machine = new Machine();
  const { elapsed } = machine;
  for (let n = 0; n < 10_000; n += 1) {
    machine.run(250, 500e-6);
    elapsed.now();
  }
  t.is(elapsed.wokeAt, -Infinity);
  machine.run(600_000, 500e-6);
  elapsed.now();
  t.is(elapsed.wokeAt, -Infinity, 'nor while nobody reads the clock');
  for (let n = 0; n < 40; n += 1) {
    machine.run(250, 0.02);
    elapsed.now();
  }
  t.not(elapsed.wokeAt, -Infinity);
});

test('a wall clock that is set forward is taken for a sleep; one that is set back is not', (t) => {
  const machine = new Machine();
  const { elapsed } = machine;
  machine.wallMs -= 3_600_000;
  t.is(elapsed.now(), 5_000);
  machine.run(100);
  machine.sleep(300);
  t.is(elapsed.now(), 5_400, 'a later sleep counts in full');
  machine.wallMs += 3_600_000;
  t.is(elapsed.now(), 3_605_400);
});

test('a process that is stopped between the readings of both clocks sees no sleep', (t) => {
  const machine = new Machine();
  const { elapsed } = machine;
  machine.between = () => {
    machine.between = () => {};
    machine.run(4_000);
  };
  t.is(elapsed.now(), 9_000);
  t.is(elapsed.wokeAt, -Infinity);
});

test('it never goes back, and lacks at most the bound and the slew of all sleeps', (t) =>
  check(
    t,
    fc.property(
      fc.array(fc.record({ runMs: fc.nat(2_000), sleepMs: fc.oneof(fc.nat(120), fc.nat(60_000)) }), {
        minLength: 1,
        maxLength: 50,
      }),
      (steps) => {
        const machine = new Machine();
        const { elapsed } = machine;
        let before = elapsed.now();
        let trueMs = before;
        let allowedMs = SUSPEND_BOUND_MS + 1;
        for (const { runMs, sleepMs } of steps) {
          machine.run(runMs);
          machine.sleep(sleepMs);
          trueMs += runMs + sleepMs;
          // What is let pass for a slew.
          allowedMs += runMs * 1e-3 + 1;
          const now = elapsed.now();
          assert.ok(now >= before);
          assert.ok(now <= trueMs + 1e-3, `ahead of the true time by ${now - trueMs}`);
          assert.ok(trueMs - now <= allowedMs, `behind the true time by ${trueMs - now}`);
          before = now;
        }
      },
    ),
  ));
