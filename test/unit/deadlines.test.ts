/** Deadlines of calls, on fake time: each call is settled once. */
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import type { Cancel } from '../../src/base/time.ts';
import { Deadlines } from '../../src/redis/deadlines.ts';
import { Traffic } from '../../src/redis/traffic.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

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
  const wire = { bytesRead: 0, bytesWritten: 0, writableLength: 0 };
  const deadlines = new Deadlines(time, MS, new Traffic(() => wire), () => (missed += 1));
  const rejected: string[] = [];
  const add = (name: string, bytes = 0) =>
    deadlines.add((error) => rejected.push(`${name}: ${error.message}`), bytes);
  /** Time passes, and bytes come in every `everyMs`. */
  const receive = async (ms: number, everyMs: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += everyMs) {
      await time.advance(everyMs);
      wire.bytesRead += 1;
    }
  };
  return { time, deadlines, rejected, add, receive, missed: () => missed };
}

const lost = new TandemError('REDIS_UNAVAILABLE', 'lost');

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
  const calls = ['a', 'b', 'c'].map((name) => add(name));
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

test('a late call waits on while bytes move', async (t) => {
  const { deadlines, add, receive, missed, rejected } = setTheStage();
  const call = add('a');
  await receive(5 * MS, 200);
  t.is(missed(), 0);
  t.true(deadlines.settle(call));
  t.deepEqual(rejected, []);
});

test('a server that stops is found within one deadline, whenever it stops', async (t) => {
  for (let stopsAt = 0; stopsAt <= 4 * MS; stopsAt += 37) {
    const { time, add, receive, missed } = setTheStage();
    add('a');
    await receive(stopsAt, 37);
    t.is(missed(), 0, `stopped after ${stopsAt} ms`);
    const foundBy = Math.max(MS - stopsAt, MS);
    await time.advance(foundBy);
    t.is(missed(), 1, `stopped after ${stopsAt} ms`);
  }
});

test('a server that has not moved since half a deadline before is dead when a call is due', async (t) => {
  const { time, add, receive, missed } = setTheStage();
  add('a');
  await receive(MS / 2 - 1, MS / 2 - 1);
  await time.advance(MS / 2);
  t.is(missed(), 0);
  await time.advance(1);
  t.is(missed(), 1);
});

test('a call that ten deadlines of moving bytes do not answer is given up alone', async (t) => {
  const { deadlines, add, receive, missed, rejected } = setTheStage();
  const first = add('first');
  await receive(2 * MS, 100);
  const second = add('second');
  await receive(9 * MS + 200, 100);
  t.deepEqual(rejected, ['first: Redis did not answer within 5500 ms, although bytes moved']);
  t.is(missed(), 0);
  t.false(deadlines.settle(first));
  t.true(deadlines.settle(second));
});

test('a large call has longer, and so has what is sent behind it', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  const large = add('large', 400_000);
  add('small');
  await time.advance(MS + 99);
  t.is(missed(), 0);
  deadlines.settle(large);
  const later = add('later');
  await time.advance(1);
  t.is(missed(), 1);
  deadlines.end(lost);
  t.false(deadlines.settle(later));
});

test('what is sent once a large call was answered has no longer than others', async (t) => {
  const { time, deadlines, add, missed } = setTheStage();
  deadlines.settle(add('large', 4_000_000));
  add('small');
  await time.advance(MS);
  t.is(missed(), 1);
});
