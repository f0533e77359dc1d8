/** When heartbeats are due: never late, seldom early, and for many spaces together in a few groups. */
import test from 'ava';
import * as fc from 'fast-check';
import { Heartbeat, heartbeatDueAt } from '../../src/owner/heartbeat.ts';
import type { Time } from '../../src/base/time.ts';
import { systemTime } from '../../src/base/time.ts';

const TICKS = 8;
const interval = fc.integer({ min: 10, max: 1_000_000 });
const moment = fc.double({ min: 0, max: 1e12, noNaN: true });
const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

/** The rounding error for numbers of this size. */
const nearly = (at: number): number => Math.abs(at) * 1e-12 + 1e-6;

test('a heartbeat is due in the second half of the interval, at its end at the latest', (t) => {
  fc.assert(
    fc.property(moment, interval, share, (lastAt, everyMs, phase) => {
      const dueAt = heartbeatDueAt(lastAt, everyMs, phase * everyMs);
      return dueAt >= lastAt + everyMs / 2 - nearly(lastAt) && dueAt <= lastAt + everyMs + nearly(lastAt);
    }),
  );
  t.pass();
});

test('after a few heartbeats, a space reaches its own tick and stays there', (t) => {
  fc.assert(
    fc.property(moment, interval, fc.integer({ min: 0, max: TICKS - 1 }), (from, everyMs, tick) => {
      const phaseMs = (tick * everyMs) / TICKS;
      let at = from;
      for (let n = 0; n < 4; n += 1) at = heartbeatDueAt(at, everyMs, phaseMs);
      for (let n = 0; n < 4; n += 1) {
        const next = heartbeatDueAt(at, everyMs, phaseMs);
        if (Math.abs(next - at - everyMs) > nearly(at)) return false;
        at = next;
      }
      return true;
    }),
  );
  t.pass();
});

/** The time of a space's nth heartbeat, on a clock of its own. */
function nthHeartbeat(space: string, everyMs: number, n: number): number {
  let now = 0;
  const sentAt = [0];
  const lastAt = (): number => sentAt.at(-1)!;
  let wake = (): void => {};
  const time: Time = {
    ...systemTime,
    now: () => now,
    after: (ms, run) => {
      wake = () => ((now += ms), run());
      return () => {};
    },
  };
  const send = (): void => void sentAt.push(now);
  new Heartbeat(time, { space, everyMs, lastAt, send }).start();
  while (sentAt.length <= n) wake();
  return lastAt();
}

test('a thousand spaces that begin together soon spread evenly over eight moments', (t) => {
  const everyMs = 160;
  const due = new Map<number, number>();
  for (let n = 0; n < 1_000; n += 1) {
    const tick = nthHeartbeat(`strategy-${n}`, everyMs, 5) % everyMs;
    due.set(tick, (due.get(tick) ?? 0) + 1);
  }
  t.is(due.size, TICKS);
  t.true(
    [...due.values()].every((count) => count > 60 && count < 250),
    [...due].join(' '),
  );
});
