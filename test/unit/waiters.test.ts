/**
 * Callers that wait: each is settled once, by its condition, its deadline, or the end, whichever comes first.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { TandemError } from '../../src/base/errors.ts';
import { systemTime } from '../../src/base/time.ts';
import { Waiters } from '../../src/base/waiters.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const STOPPED = new TandemError('STOPPED', 'it is stopped');

function setup(): { time: FakeTime; waiters: Waiters } {
  const time = new FakeTime();
  return { time, waiters: new Waiters(time) };
}

test('a condition that already holds needs no waiting', async (t) => {
  const { time, waiters } = setup();
  await waiters.wait(() => true, 'it did not come', 100);
  t.is(time.pending, 0);
});

test('a waiter resolves at the first check at which its condition holds, and its deadline is cancelled', async (t) => {
  const { time, waiters } = setup();
  let holds = false;
  const waiting = waiters.wait(() => holds, 'it did not come', 100);
  waiters.check();
  t.is(time.pending, 1, 'still waiting');
  holds = true;
  waiters.check();
  await waiting;
  t.is(time.pending, 0);
});

test('the error of a deadline names the condition, the time and the reason', async (t) => {
  const time = new FakeTime();
  const cause = new Error('Redis is out');
  const waiters = new Waiters(time, () => ({ text: 'no connection', cause }));
  const waiting = waiters.wait(() => false, 'nothing came', 250);
  const failed = t.throwsAsync(waiting, {
    instanceOf: TandemError,
    code: 'TIMEOUT',
    message: 'nothing came within 250 ms: no connection',
  });
  await time.advance(250);
  const error = await failed;
  t.is(error.cause, cause);
  t.true(error.retryable);
});

test('no waiter is rejected before its deadline', async (t) => {
  const { time, waiters } = setup();
  let settled = false;
  const waiting = waiters.wait(() => false, 'nothing came', 250).catch(() => (settled = true));
  await time.advance(249);
  t.false(settled);
  await time.advance(1);
  await waiting;
  t.true(settled);
});

test('the end rejects every present and later waiter with the same error', async (t) => {
  const { time, waiters } = setup();
  const waiting = waiters.wait(() => false, 'nothing came', 100);
  const failed = t.throwsAsync(waiting, { is: STOPPED });
  waiters.refuse(STOPPED);
  waiters.refuse(new TandemError('FENCED', 'a later one'));
  await failed;
  await t.throwsAsync(
    waiters.wait(() => false, 'nothing came', 100),
    { is: STOPPED },
  );
  t.is(time.pending, 0);
});

test('a condition that holds resolves even after the end', async (t) => {
  const { waiters } = setup();
  waiters.refuse(STOPPED);
  await t.notThrowsAsync(waiters.wait(() => true, 'nothing came', 100));
});

test('each of many waiters settles once, by the first event that concerns it', (t) => {
  const events = fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('wait' as const), for: fc.nat(9), ms: fc.nat(50) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('reach' as const), to: fc.nat(9) }) },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(30) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse' as const) }) },
    ),
    { maxLength: 40 },
  );
  return check(
    t,
    fc.asyncProperty(events, async (events) => {
      const { time, waiters } = setup();
      let reached = 0;
      let ended = false;
      const all: { for: number; until: number; expected?: string; got: string[] }[] = [];
      for (const event of events) {
        if (event.do === 'wait') {
          // No timer fires before a millisecond has passed.
          const until = time.now() + Math.max(1, event.ms);
          const one: (typeof all)[number] = { for: event.for, until, got: [] };
          if (reached >= event.for) one.expected = 'done';
          else if (ended) one.expected = 'STOPPED';
          all.push(one);
          waiters
            .wait(() => reached >= one.for, 'nothing came', event.ms)
            .then(
              () => one.got.push('done'),
              (error: TandemError) => one.got.push(error.code),
            );
        } else if (event.do === 'reach') {
          reached = Math.max(reached, event.to);
          waiters.check();
          for (const one of all) if (one.for <= reached) one.expected ??= 'done';
        } else if (event.do === 'pass') {
          await time.advance(event.ms);
          for (const one of all) if (one.until <= time.now()) one.expected ??= 'TIMEOUT';
        } else {
          ended = true;
          waiters.refuse(STOPPED);
          for (const one of all) one.expected ??= 'STOPPED';
        }
        await time.settle();
        for (const one of all) assert.deepEqual(one.got, one.expected === undefined ? [] : [one.expected]);
      }
      assert.equal(time.pending, all.filter(({ expected }) => expected === undefined).length);
    }),
    { numRuns: 50 },
  );
});

for (const timeoutMs of [Infinity, 2 ** 31]) {
  test(`a deadline of ${timeoutMs} ms does not pass at once`, async (t) => {
    const waiters = new Waiters(systemTime);
    let holds = false;
    const waiting = waiters.wait(() => holds, 'nothing came', timeoutMs);
    const late = new Promise((resolve) => setTimeout(resolve, 50, 'still waiting'));
    const first = await Promise.race([waiting.catch(({ code }: TandemError) => code), late]);
    holds = true;
    waiters.check();
    t.is(first, 'still waiting');
  });
}
