/** Owner and follower on a store in memory tell each change of `freshness` and `owner`, once and in time. */
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { Follower, FreshnessEvent, Owner, OwnerChangedEvent } from '../../src/index.ts';
import { defineSpace, json } from '../../src/index.ts';
import { cut, MemoryWorld, mend } from '../_memory-world.ts';

const space = defineSpace('space', { 'key/*': json<number>() });
type D = typeof space.definition;
type Any = Owner<D> | Follower<D>;

/** Writes down what a participant tells, as short texts, with the time by the wall clock. */
class Diary {
  readonly lines: string[] = [];
  readonly events: (FreshnessEvent | OwnerChangedEvent)[] = [];

  constructor(participant: Any) {
    const on = (participant as Follower<D>).on.bind(participant as Follower<D>);
    on('freshness', (event) => this.#add(event, event.freshness));
    on('ownerChanged', (event) => this.#add(event, `${event.owner} ${event.ownerName ?? '?'}`));
  }

  #add(event: FreshnessEvent | OwnerChangedEvent, line: string): void {
    this.events.push(event);
    this.lines.push(line);
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0).toSorted();
  }
}

async function pair() {
  const world = new MemoryWorld();
  const [owning, following] = [world.process('trader'), world.process('api')];
  const owner = owning.tandem.own(space);
  const follower = following.tandem.follow(space);
  const [own, told] = [new Diary(owner), new Diary(follower)];
  owner.set('key/a', 1);
  await world.time.until(() => follower.get('key/a').value === 1, 'a change');
  await world.time.advance(50);
  return { world, owning, following, owner, follower, own, told };
}

function says(t: ExecutionContext, participant: Any, freshness: string, owner: string): void {
  const reading = participant.get('key/a');
  t.deepEqual([reading.freshness, reading.owner, reading.ownerAlive], [freshness, owner, owner === 'alive']);
  t.like(participant.status, { freshness, owner });
}

test('both tell that the state is live, and who owns it', async (t) => {
  const { owner, follower, own, told } = await pair();
  for (const [diary, participant] of [
    [own, owner],
    [told, follower],
  ] as const) {
    t.deepEqual(diary.take(), ['alive trader', 'live']);
    says(t, participant, 'live', 'alive');
    t.is(participant.status.ownerName, 'trader');
  }
});

test('nothing is told while nothing changes, however many frames come', async (t) => {
  const { world, owner, follower, own, told } = await pair();
  own.take();
  told.take();
  const timers = world.time.pending;
  for (let n = 0; n < 500; n += 1) {
    owner.set('key/a', n);
    await world.time.advance(2);
  }
  await world.time.advance(10_000);
  t.deepEqual([own.take(), told.take()], [[], []]);
  t.true(world.time.pending <= timers + 2, 'no timers pile up');
  says(t, follower, 'live', 'alive');
});

test('a follower that is cut off tells that it is stale, then that the owner is lost, each at its moment', async (t) => {
  const { world, following, follower, told } = await pair();
  told.take();
  cut(following);
  const { staleMs } = follower.get('key/a');
  const staleFrom = world.time.wall() + 750 - staleMs;
  await world.time.until(() => follower.get('key/a').freshness === 'stale', 'a stale reading', 2_000, 1);
  await world.time.advance(20);
  t.deepEqual(told.take(), ['stale']);
  const [stale] = told.events.slice(-1);
  t.true(Math.abs(stale!.since - staleFrom) <= 3, `${stale!.since - staleFrom} ms off`);
  says(t, follower, 'stale', 'alive');
  await world.time.until(() => !follower.get('key/a').ownerAlive, 'a lease that has run out', 5_000, 1);
  await world.time.advance(20);
  t.deepEqual(told.take(), ['lost trader']);
  says(t, follower, 'stale', 'lost');
  mend(following);
  await world.time.until(() => follower.get('key/a').freshness === 'live', 'a live reading');
  await world.time.advance(60);
  t.deepEqual(told.take(), ['alive trader', 'live']);
});

test('a clean stop is told at once, as a release; the state ages later', async (t) => {
  const { world, owner, follower, own, told } = await pair();
  own.take();
  told.take();
  t.deepEqual(await world.result(owner.stop()), { uncommitted: [] });
  await world.time.advance(20);
  t.deepEqual(told.take(), ['released trader']);
  t.deepEqual(own.take(), ['released trader', 'stale']);
  says(t, owner, 'stale', 'released');
  says(t, follower, 'live', 'released');
  await world.time.advance(1_000);
  t.deepEqual(told.take(), ['stale']);
  await world.time.advance(10_000);
  t.deepEqual(told.take(), [], 'no lease runs out any more');

  const late = world.process('late').tandem.follow(space);
  const heard = new Diary(late);
  await world.time.until(() => late.mode === 'connected', 'a follower that comes later');
  await world.time.advance(20);
  t.deepEqual(heard.take(), ['released trader']);
  says(t, late, 'stale', 'released');
});

test('a goodbye that leaves changes behind is no release: the owner is lost', async (t) => {
  const { world, owner, follower, own, told } = await pair();
  own.take();
  told.take();
  world.server.commit = () => {
    throw new Error('OOM command not allowed');
  };
  owner.on('error', () => {});
  owner.set('key/b', 2);
  const { uncommitted } = await world.result(owner.stop({ timeoutMs: 100 }));
  t.is(uncommitted.length, 1);
  await world.time.advance(20);
  t.true(told.take().includes('lost trader'));
  t.deepEqual(own.take(), ['lost trader', 'stale']);
  says(t, owner, 'stale', 'lost');
  t.is(follower.get('key/a').owner, 'lost');

  const late = world.process('late').tandem.follow(space);
  await world.time.until(() => late.mode === 'connected', 'a follower that comes later');
  t.is(late.get('key/a').owner, 'lost');
});

test('an owner that dies is lost; its successor is told by name', async (t) => {
  const { world, owning, told } = await pair();
  told.take();
  cut(owning);
  await world.time.advance(4_000);
  t.deepEqual(told.take(), ['lost trader', 'stale']);
  const successor = world.process('successor').tandem.own(space);
  await world.time.until(() => successor.ownership === 'leading', 'a successor');
  await world.time.advance(60);
  t.deepEqual(told.take(), ['alive successor', 'live']);
});

test('a standby tells what its follower sees, then itself; the one before it is told to be lost', async (t) => {
  const { world, owning, owner, own, told } = await pair();
  const standby = world.process('standby').tandem.own(space, { standby: true });
  const diary = new Diary(standby);
  await world.time.until(() => standby.mode === 'connected', 'a standby');
  await world.time.advance(60);
  t.deepEqual(diary.take(), ['alive trader', 'live']);
  says(t, standby, 'live', 'alive');
  told.take();
  own.take();
  cut(owning);
  await world.time.until(() => standby.ownership === 'leading', 'a takeover');
  await world.time.advance(60);
  t.deepEqual(diary.take(), ['alive standby', 'live', 'lost trader', 'stale']);
  t.deepEqual(told.take(), ['alive standby', 'live', 'lost trader', 'stale']);
  t.deepEqual(own.take(), [], 'cut off, an owner goes on');
  mend(owning);
  await world.time.until(() => owner.ownership === 'fenced', 'an owner that is fenced');
  t.deepEqual(own.take(), ['lost trader', 'stale']);
  says(t, owner, 'stale', 'lost');
});

test('an owner in the place of one that released the space is told as another one', async (t) => {
  const { world, owner, told } = await pair();
  const standby = world.process('standby').tandem.own(space, { standby: true });
  await world.time.until(() => standby.mode === 'connected', 'a standby');
  told.take();
  await world.result(owner.stop());
  await world.time.until(() => standby.ownership === 'leading', 'a takeover');
  await world.time.advance(60);
  t.deepEqual(told.take(), ['alive standby', 'released trader']);
});

test('an owner that lives again under its name is told as the one before it', async (t) => {
  const { world, following, owner, follower, told } = await pair();
  told.take();
  cut(following);
  await world.result(owner.stop());
  const again = world.process('trader').tandem.own(space);
  await world.time.until(() => again.ownership === 'leading', 'its next life');
  mend(following);
  again.set('key/a', 2);
  await world.time.until(() => follower.get('key/a').value === 2, 'a change of the next life');
  await world.time.advance(60);
  t.deepEqual(told.take(), []);
  says(t, follower, 'live', 'alive');
});

test('of a space without an owner, nobody is told', async (t) => {
  const world = new MemoryWorld();
  const follower = world.process('api').tandem.follow(space);
  const diary = new Diary(follower);
  await world.time.until(() => follower.mode === 'connected', 'a follower');
  await world.time.advance(5_000);
  t.deepEqual(diary.take(), []);
  says(t, follower, 'stale', 'never');
});

test('after a sleep of the machine, the first look tells that nothing is live', async (t) => {
  const { world, follower, told } = await pair();
  told.take();
  world.time.sleep(60_000);
  says(t, follower, 'stale', 'lost');
  await world.time.settle();
  t.true(told.take().includes('stale'));
  // An answer of the server: what was known of its clock is void as well.
  await world.result(follower.refresh());
  await world.time.until(() => follower.get('key/a').freshness === 'live', 'a live reading');
  await world.time.advance(60);
  t.true(told.take().includes('live'));
});

test('a key whose newest value cannot be read makes the state stale, until it can', async (t) => {
  const world = new MemoryWorld();
  const owner = world.process('trader').tandem.own(defineSpace('space', { 'key/*': json() }));
  const strict = defineSpace('space', {
    'key/*': {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] },
      },
    },
  });
  const follower = world.process('api').tandem.follow(strict);
  follower.on('error', () => {});
  const diary = new Diary(follower as unknown as Follower<D>);
  owner.set('key/a', 1);
  await world.time.until(() => follower.get('key/a').value === 1, 'a change');
  await world.time.advance(60);
  t.deepEqual(diary.take(), ['alive trader', 'live']);
  owner.set('key/a', 'one');
  await world.time.advance(100);
  t.deepEqual(diary.take(), ['stale']);
  owner.set('key/a', 2);
  await world.time.advance(100);
  t.deepEqual(diary.take(), ['live']);
});

test('a listener that throws, or stops its participant, harms nobody', async (t) => {
  const { world, following, follower } = await pair();
  const codes: string[] = [];
  follower.on('error', ({ error }) => codes.push(error.code));
  follower.on('freshness', () => {
    throw new Error('a mistake of the user');
  });
  follower.on('freshness', () => void follower.stop());
  cut(following);
  await world.time.advance(2_000);
  t.true(codes.includes('CALLBACK_FAILED'));
  t.is(follower.mode, 'stopped');
});

test('after its stop, a participant leaves no timer behind and tells nothing', async (t) => {
  const { world, owning, following, own, told } = await pair();
  await world.result(following.tandem.stop());
  await world.result(owning.tandem.stop());
  own.take();
  told.take();
  await world.time.advance(10_000);
  t.is(world.time.pending, 0);
  t.deepEqual([own.take(), told.take()], [[], []]);
});
