/** The time of a test runner, which puts fake clocks and timers in place and takes them away. */
import test from 'ava';
import { runnerTime } from '../../src/base/runner-time.ts';

/** Replaces globals until the test ends. */
function fake(globals: Record<string, unknown>): () => void {
  const kept = Object.keys(globals).map((name) => [name, Reflect.get(globalThis, name)] as const);
  Object.assign(globalThis, globals);
  return () => Object.assign(globalThis, Object.fromEntries(kept));
}

function fakeDate(now: () => number): unknown {
  return class extends Date {
    static override now = now;
  };
}

test.serial('it goes on from where it was as fakes come and go', (t) => {
  const before = runnerTime.now();
  let fakeNow = 3;
  const restore = fake({ performance: { now: () => fakeNow }, Date: fakeDate(() => 5_000_000 + fakeNow) });
  const faked = runnerTime.now();
  t.true(faked >= before && faked < before + 1_000);
  fakeNow += 60_000;
  t.is(Math.round(runnerTime.now() - faked), 60_000);
  t.is(runnerTime.wall(), 5_060_003);
  restore();
  const after = runnerTime.now();
  t.true(after >= faked + 60_000 && after < faked + 61_000);
});

test.serial('it follows a fake Date where performance is real', (t) => {
  let fakeNow = 0;
  const restore = fake({ Date: fakeDate(() => fakeNow) });
  const faked = runnerTime.now();
  fakeNow += 60_000;
  t.is(Math.round(runnerTime.now() - faked), 60_000);
  fakeNow = 10;
  t.is(Math.round(runnerTime.now() - faked), 60_000, 'it does not step back');
  restore();
});

test.serial('its timers are those in force, and each is cleared by those that set it', (t) => {
  const set: unknown[] = [];
  const cleared: unknown[] = [];
  const restore = fake({
    setTimeout: (_: unknown, ms: number) => set.push(ms),
    clearTimeout: (id: unknown) => cleared.push(id),
  });
  const cancel = runnerTime.after(1_000, () => {});
  restore();
  cancel();
  t.deepEqual(set, [1_000]);
  t.deepEqual(cleared, [1]);
});

test.serial('turns go on where they are faked', async (t) => {
  const never = (): void => {};
  const restore = fake({ setImmediate: never, queueMicrotask: never });
  await new Promise<void>((resolve) => runnerTime.nextTurn(() => runnerTime.endOfTurn(resolve)));
  restore();
  t.pass();
});
