/** Deadlines of calls, on fake time: each call is settled once. */
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import type { Cancel } from '../../src/base/time.ts';
import { Deadlines } from '../../src/redis/deadlines.ts';
import { FakeTime } from '../_fake-time.ts';

const MS = 500;

/**
 * Runs a hook right behind the first timer that is due: in a loop that was blocked, sockets are read only
 * then.
 */
class HookedTime extends FakeTime {
  behindTimer: (() => void) | undefined;

  override after(ms: number, run: () => void): Cancel {
    return super.after(ms, () => {
      run();
      const hook = this.behindTimer;
      this.behindTimer = undefined;
      hook?.();
    });
  }
}

function setTheStage() {
  const time = new HookedTime();
  let missed = 0;
  const deadlines = new Deadlines(time, MS, () => (missed += 1));
  const rejected: string[] = [];
  const add = (name: string) => deadlines.add((error) => rejected.push(`${name}: ${error.message}`));
  return { time, deadlines, rejected, add, missed: () => missed };
}

const lost = new TandemError('REDIS_UNAVAILABLE', 'lost', { retryable: true });

test('a call without a reply misses its deadline, and not before', async (t) => {
  const { time, add, missed } = setTheStage();
  add('a');
  await time.advance(MS - 1);
  t.is(missed(), 0);
  await time.advance(1);
  t.is(missed(), 1);
});

test('one timer serves all calls, and none is left once all are settled', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  const calls = ['a', 'b', 'c'].map(add);
  t.is(time.pending, 1);
  for (const call of calls) t.true(deadlines.settle(call));
  await time.advance(MS);
  t.is(missed(), 0);
  t.is(time.pending, 0);
});

test('when the oldest is settled, the next has its own deadline', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  const oldest = add('oldest');
  await time.advance(300);
  add('next');
  deadlines.settle(oldest);
  await time.advance(MS - 1);
  t.is(missed(), 0);
  await time.advance(1);
  t.is(missed(), 1);
});

test('a reply that arrives within the two turns after its deadline still counts', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  const call = add('a');
  time.behindTimer = () => time.nextTurn(() => deadlines.settle(call));
  await time.advance(MS);
  t.is(missed(), 0);
});

test('who comes due during the two turns of another has two turns of its own', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  const first = add('first');
  time.skip(1);
  add('second');
  time.behindTimer = () => {
    deadlines.settle(first);
    // The loop is blocked until the second is due as well.
    time.skip(1);
  };
  await time.advance(MS - 1);
  t.is(missed(), 0);
  await time.advance(10);
  t.is(missed(), 1);
});

test('a call is settled once: by its reply, or by the end', (t) => {
  const { deadlines, rejected, add } = setTheStage();
  const [answered, waits] = [add('answered'), add('waits')];
  t.true(deadlines.settle(answered));
  t.false(deadlines.settle(answered));
  deadlines.end(lost);
  t.deepEqual(rejected, ['waits: lost']);
  t.false(deadlines.settle(waits), 'its reply comes too late');
  deadlines.end(lost);
  t.is(rejected.length, 1);
});

test('nothing is missed after the end, also where a deadline was due already', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  add('a');
  time.behindTimer = () => time.nextTurn(() => deadlines.end(lost));
  await time.advance(2 * MS);
  t.is(missed(), 0);
  t.is(time.pending, 0);
});
