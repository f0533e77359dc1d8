/** Time that passes only where a test says so. */
import test from 'ava';
import { fakeTime } from '../../src/testing.ts';

test('timers run in order as time advances, each with what follows from it', async (t) => {
  const time = fakeTime();
  const seen: string[] = [];
  time.after(20, () => seen.push(`second at ${time.now()}`));
  time.after(10, () => {
    seen.push(`first at ${time.now()}`);
    void Promise.resolve().then(() => time.nextTurn(() => seen.push(`its turn at ${time.now()}`)));
    time.after(5, () => seen.push(`its timer at ${time.now()}`));
  });
  await time.advance(15);
  t.deepEqual(seen, ['first at 10', 'its turn at 10', 'its timer at 15']);
  await time.advance(5);
  t.is(seen.at(-1), 'second at 20');
});

test('of timers at one moment, the one that was set first runs first', async (t) => {
  const time = fakeTime();
  const seen: number[] = [];
  for (const n of [1, 2, 3]) time.after(10, () => seen.push(n));
  await time.advance(10);
  t.deepEqual(seen, [1, 2, 3]);
});

test('a timer that was cancelled never runs', async (t) => {
  const time = fakeTime();
  const cancel = time.after(10, () => t.fail('it ran'));
  cancel();
  await time.advance(1_000);
  t.pass();
});

test('turns need nobody to advance the time', async (t) => {
  const time = fakeTime();
  await new Promise<void>((resolve) => time.nextTurn(() => time.endOfTurn(resolve)));
  t.is(time.now(), 0);
});

test('advances that nobody awaits follow each other', async (t) => {
  const time = fakeTime();
  const seen: number[] = [];
  time.after(15, () => seen.push(time.now()));
  const both = [time.advance(10), time.advance(10)];
  await Promise.all(both);
  t.deepEqual(seen, [15]);
  t.is(time.now(), 20);
});

test('an advance goes on after one that failed', async (t) => {
  const time = fakeTime();
  time.after(10, () => {
    throw new Error('of the user');
  });
  await t.throwsAsync(time.advance(10), { message: 'of the user' });
  await time.advance(10);
  t.is(time.now(), 20);
});

for (const ms of [-1, NaN, Infinity, '10', undefined]) {
  test(`an advance by ${String(ms)} is refused`, async (t) => {
    const error = await t.throwsAsync(fakeTime().advance(ms as number));
    t.like(error, { code: 'INVALID_OPTION' });
    t.regex(error.message, /^ms: expected a number from 0 to/);
  });
}

test('a seed that is no number is refused', (t) => {
  t.like(
    t.throws(() => fakeTime({ seed: 'one' as never })),
    { code: 'INVALID_OPTION' },
  );
  t.like(
    t.throws(() => fakeTime(1 as never)),
    { code: 'INVALID_OPTION' },
  );
});

test('the same seed gives the same random numbers, and another seed others', (t) => {
  const drawn = (seed: number): number[] => {
    const time = fakeTime({ seed });
    return [time.random(), time.random(), time.random()];
  };
  t.deepEqual(drawn(7), drawn(7));
  t.notDeepEqual(drawn(7), drawn(8));
});

test('work that never ends at one moment is an error', async (t) => {
  const time = fakeTime();
  let isOver = false;
  const again = (): void => void (isOver || time.nextTurn(again));
  again();
  const error = await t.throwsAsync(time.advance(0));
  isOver = true;
  t.like(error, { code: 'TIMEOUT' });
});
