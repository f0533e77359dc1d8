/** The longest stretch of the last minute: work of the package, and nothing else. */
import test from 'ava';
import { LoadMeter } from '../../src/base/load.ts';
import { Slices } from '../../src/base/slices.ts';
import type { Sliced } from '../../src/base/slices.ts';
import { outside, Stretches } from '../../src/base/stretches.ts';
import { defineSpace, json } from '../../src/index.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import { MemoryWorld } from '../_memory-world.ts';

function begin(): { time: FakeTime; stretches: Stretches; work: (ms: number) => void } {
  const time = new FakeTime();
  const stretches = new Stretches(time);
  return { time, stretches, work: (ms) => stretches.during(() => time.skip(ms)) };
}

test('the longest of several stretches is told, and nothing before the first', (t) => {
  const { stretches, work } = begin();
  t.is(stretches.longestMs, 0);
  work(3);
  work(40);
  work(7);
  t.is(stretches.longestMs, 40);
});

test('a stretch is told for a minute, and is forgotten soon after it', (t) => {
  const { time, stretches, work } = begin();
  time.skip(7_003);
  work(40);
  work(2);
  time.skip(60_000 - 2);
  t.is(stretches.longestMs, 40);
  work(5);
  time.skip(6_000);
  t.is(stretches.longestMs, 5, 'the later one is left');
  time.skip(600_000);
  t.is(stretches.longestMs, 0);
});

test('a piece within a piece counts once, with the outer one', (t) => {
  const { time, stretches, work } = begin();
  stretches.during(() => {
    time.skip(5);
    work(10);
    time.skip(5);
  });
  t.is(stretches.longestMs, 20);
});

test('a piece that an application begins in the middle of another is a stretch of its own', (t) => {
  const { time, stretches, work } = begin();
  stretches.during(() => {
    time.skip(5);
    outside(() => {
      time.skip(500);
      work(8);
      outside(() => time.skip(500));
    });
    time.skip(4);
  });
  t.is(stretches.longestMs, 9);
});

test('what runs outside is not counted, though it comes in the middle', (t) => {
  const { time, stretches } = begin();
  stretches.during(() => {
    time.skip(5);
    outside(() => time.skip(500));
    time.skip(5);
  });
  outside(() => time.skip(900));
  t.is(stretches.longestMs, 10);
});

test('a piece that throws counts, and the next one is measured anew', (t) => {
  const { time, stretches, work } = begin();
  const fail = (): never => {
    time.skip(30);
    throw new Error('on purpose');
  };
  t.throws(() => stretches.during(fail), { message: 'on purpose' });
  t.throws(() => stretches.during(() => outside(fail)), { message: 'on purpose' });
  work(4);
  t.is(stretches.longestMs, 30);
});

test('a sleep of the machine in the middle of a piece is not counted', (t) => {
  const { time, stretches, work } = begin();
  stretches.during(() => time.sleep(3_600_000));
  work(6);
  t.is(stretches.longestMs, 6);
});

test('a slice that yields too late shows as a stretch, and jobs that wait are counted', async (t) => {
  const time = new FakeTime();
  const slices = new Slices(time);
  const meter = new LoadMeter(slices);
  function* work(): Sliced<void> {
    time.skip(70);
    yield;
    time.skip(1);
  }
  const done = slices.run(work());
  t.deepEqual(meter.now(), { longestStretchMs: 70, heldBytes: 0, waitingSlices: 1 });
  await time.settle();
  await done;
  t.is(meter.now().waitingSlices, 0);
});

test('what several hold for clients is added up', (t) => {
  const meter = new LoadMeter(new Slices(new FakeTime()));
  let bytes = 5;
  meter.holds(() => bytes);
  meter.holds(() => 100);
  t.is(meter.now().heldBytes, 105);
  bytes = 0;
  t.is(meter.now().heldBytes, 100);
});

test('frames are stretches of their process, with the schemas in it; watch callbacks are not', async (t) => {
  const world = new MemoryWorld();
  const { time } = world;
  const slow = json<number>();
  let isSlow = false;
  const space = defineSpace('space', {
    'key/*': {
      '~standard': {
        ...slow['~standard'],
        validate: (value: unknown) => {
          if (isSlow) time.skip(30);
          return slow['~standard'].validate(value);
        },
      },
    },
  });
  const [owning, following] = ['owner', 'follower'].map((name) => world.process(name).tandem);
  const owner = owning!.own(space);
  const follower = following!.follow(space);
  await world.result(Promise.all([owner.ready(), follower.ready()]));
  t.true(following!.load.longestStretchMs < 30);
  follower.watch('*', () => time.skip(400));
  owner.set('key/a', 1);
  isSlow = true;
  await world.result(follower.waitFor(await world.result(owner.flush())));
  t.is(follower.get('key/a').value, 1);
  const { longestStretchMs } = following!.load;
  t.true(longestStretchMs >= 30 && longestStretchMs < 400, `${longestStretchMs} ms`);
  t.true(Object.isFrozen(following!.load));
});
