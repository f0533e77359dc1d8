/** Watching, iterating over changes and waiting for a reading, on owners, followers and standbys alike. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import test from 'ava';
import * as fc from 'fast-check';
import type { AnyReading, Follower, Owner } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { Watchers } from '../../src/actor/watchers.ts';
import { beginWatch } from '../../src/actor/watch.ts';
import { Slices } from '../../src/base/slices.ts';
import type { Reading, Row } from '../../src/state/reading.ts';
import { memoryServer } from '../../src/testing.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import type { MemoryProcess } from '../_memory-world.ts';
import { cut, mend, MemoryWorld } from '../_memory-world.ts';

const space = defineSpace('s', { 'a/*': json<number>(), b: json<number>() });
type D = typeof space.definition;
type Any = Owner<D> | Follower<D>;

interface Scene {
  readonly world: MemoryWorld;
  readonly processes: Record<'owner' | 'follower' | 'standby', MemoryProcess>;
  readonly owner: Owner<D>;
  readonly follower: Follower<D>;
  readonly standby: Owner<D>;
}

async function newScene(): Promise<Scene> {
  const world = new MemoryWorld();
  const processes = {
    owner: world.process('owner'),
    follower: world.process('follower'),
    standby: world.process('standby'),
  };
  const owner = processes.owner.tandem.own(space);
  await world.result(owner.ready());
  const follower = processes.follower.tandem.follow(space);
  const standby = processes.standby.tandem.own(space, { standby: true });
  await world.result(follower.ready({ owner: true }));
  await world.time.until(() => standby.mode === 'connected', 'the standby follows');
  return { world, processes, owner, follower, standby };
}

const ROLES = ['owner', 'follower', 'standby'] as const;

/** What a participant is told of a pattern, as `key=value`. */
function note(participant: Any, pattern: 'a/*' | 'a/x/*' | 'b' | '*', initial = false): string[] {
  const told: string[] = [];
  participant.watch(pattern, ({ key, value }) => told.push(`${key}=${value}`), { initial });
  return told;
}

for (const role of ROLES) {
  test(`a watch of the ${role} is told of each changed key once a turn, with its last value`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    const all = note(scene[role], '*');
    const some = note(scene[role], 'a/x/*');
    owner.set('a/1', 1);
    owner.set('a/x/1', 2);
    owner.set('a/1', 3);
    t.deepEqual(all, [], 'nobody is called in the turn itself');
    await world.time.advance(20);
    t.deepEqual(all.splice(0), ['a/x/1=2', 'a/1=3']);
    t.deepEqual(some.splice(0), ['a/x/1=2']);
    owner.delete('a/1');
    await world.time.advance(20);
    t.deepEqual(all, ['a/1=undefined']);
    t.deepEqual(some, []);
  });

  test(`a watch of the ${role} begins with what is there, if it is asked to`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    owner.set('a/1', 1);
    owner.set('b', 2);
    owner.set('a/2', 3);
    owner.delete('a/1');
    await world.time.advance(20);
    t.deepEqual(note(scene[role], '*', true), ['b=2', 'a/2=3']);
    t.deepEqual(note(scene[role], 'a/*', true), ['a/2=3']);
    t.deepEqual(note(scene[role], 'a/x/*', true), []);
    const told = note(scene[role], 'b', true);
    t.deepEqual(told, ['b=2']);
    owner.set('b', 3);
    await world.time.advance(20);
    t.deepEqual(told, ['b=2', 'b=3']);
  });

  test(`a watch of the ${role} ends with its signal, and an aborted signal watches nothing`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    owner.set('b', 1);
    await world.time.advance(20);
    const abort = new AbortController();
    const told: unknown[] = [];
    const options = { initial: true, signal: abort.signal };
    const end = scene[role].watch('b', ({ value }) => told.push(value), options);
    const other = scene[role].watch('b', ({ value }) => told.push(value), { signal: abort.signal });
    end();
    end();
    t.is(getEventListeners(abort.signal, 'abort').length, 1);
    owner.set('b', 2);
    await world.time.advance(20);
    t.deepEqual(told, [1, 2]);
    abort.abort();
    other();
    scene[role].watch('b', ({ value }) => told.push(value), options);
    owner.set('b', 3);
    await world.time.advance(20);
    t.deepEqual(told, [1, 2]);
    t.is(getEventListeners(abort.signal, 'abort').length, 0);
  });

  test(`an error of a callback of the ${role} is reported, and the others are called`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    owner.set('b', 1);
    await world.time.advance(20);
    const codes: string[] = [];
    const participant = scene[role] as Follower<D>;
    participant.on('error', ({ error }) => codes.push(error.code));
    const fails = (): never => {
      throw new Error('mine');
    };
    scene[role].watch('b', fails, { initial: true });
    const told = note(scene[role], 'b');
    owner.set('b', 2);
    await world.time.advance(20);
    t.deepEqual(told, ['b=2']);
    t.deepEqual(codes, ['CALLBACK_FAILED', 'CALLBACK_FAILED']);
  });

  test(`who iterates slowly over changes of the ${role} gets each changed key once, as it is then`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    const changes = scene[role].changes('a/*');
    for (let n = 0; n < 100; n += 1) {
      owner.set(`a/${n % 3}`, n);
      owner.set('b', n);
      if (n % 10 === 0) await world.time.advance(20);
    }
    await world.time.advance(20);
    const taken: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { value } = await changes.next();
      taken.push(`${value.key}=${value.value}`);
    }
    t.deepEqual(taken.sort(), ['a/0=99', 'a/1=97', 'a/2=98']);
    let isTaken = false;
    const next = changes.next().then(({ value }) => ((isTaken = true), value.value));
    await world.time.advance(20);
    t.false(isTaken);
    owner.delete('a/1');
    t.is(await world.result(next), undefined);
  });

  test(`iterating over changes of the ${role} ends with break, signal and stop, and leaves nothing`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    const abort = new AbortController();
    const iterate = async (pattern: 'a/*' | 'b', most: number): Promise<string[]> => {
      const taken: string[] = [];
      for await (const { key, value } of scene[role].changes(pattern, { signal: abort.signal })) {
        taken.push(`${key}=${value}`);
        if (taken.length >= most) break;
      }
      return taken;
    };
    const [broken, aborted] = [iterate('b', 1), iterate('b', 9)];
    const untaken = scene[role].changes('b', { signal: abort.signal });
    t.is(getEventListeners(abort.signal, 'abort').length, 3);
    owner.set('b', 1);
    t.deepEqual(await world.result(broken), ['b=1']);
    t.is(getEventListeners(abort.signal, 'abort').length, 2);
    abort.abort();
    t.deepEqual(await aborted, ['b=1']);
    t.true((await untaken.next()).done, 'what was not taken is dropped');
    t.is(getEventListeners(abort.signal, 'abort').length, 0);
    t.deepEqual(await iterate('b', 9), [], 'an aborted signal ends it before it begins');

    const [waiting, full] = [scene[role].changes('a/*'), scene[role].changes('b')];
    const taken = waiting.next();
    owner.set('b', 2);
    await world.time.advance(20);
    await world.result(scene[role].stop());
    t.true((await taken).done);
    t.is((await full.next()).value.value, 2, 'what had changed before the stop can still be taken');
    t.true((await full.next()).done);
    t.true((await scene[role].changes('b').next()).done);
  });

  test(`waitUntil of the ${role} resolves with the first reading that is as wanted`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    owner.set('b', 1);
    await world.time.advance(20);
    t.is((await scene[role].waitUntil('b', ({ value }) => value === 1)).value, 1, 'at once');
    const abort = new AbortController();
    const signal = abort.signal;
    const wanted = scene[role].waitUntil('b', ({ value }) => value === 3, { signal, timeoutMs: Infinity });
    for (const value of [2, 3, 4]) {
      owner.set('b', value);
      await world.time.advance(20);
    }
    t.is((await wanted).value, 3);
    t.is(getEventListeners(signal, 'abort').length, 0);
  });

  test(`waitUntil of the ${role} rejects at its time, with its signal, its predicate and its end`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    const never = (): boolean => false;
    owner.set('b', 1234);
    await world.time.advance(20);
    const error = await t.throwsAsync(world.result(scene[role].waitUntil('b', never, { timeoutMs: 500 })), {
      code: 'TIMEOUT',
    });
    t.regex(error.message, /"b" in space "s" .*within 500 ms: .*live.* owner is alive/);
    t.notRegex(error.message, /1234/);
    const abort = new AbortController();
    const aborted = scene[role].waitUntil('b', never, { signal: abort.signal });
    abort.abort(new Error('enough'));
    await t.throwsAsync(aborted, { message: 'enough' });
    await t.throwsAsync(scene[role].waitUntil('b', never, { signal: abort.signal }), { message: 'enough' });
    const thrown = scene[role].waitUntil('b', ({ value }) => {
      if (value === 5) throw new Error('mine');
      return false;
    });
    owner.set('b', 5);
    await t.throwsAsync(world.result(thrown), { message: 'mine' });
    await t.throwsAsync(scene[role].waitUntil('b', (() => Promise.resolve(true)) as never), {
      code: 'INVALID_OPTION',
    });
    await t.throwsAsync(scene[role].waitUntil('c' as 'b', never), { code: 'UNKNOWN_KEY' });
    await t.throwsAsync(scene[role].waitUntil('b', never, { timeoutMs: NaN }), { code: 'INVALID_OPTION' });
    const waiting = scene[role].waitUntil('b', never);
    const stopped = scene[role].stop();
    await t.throwsAsync(world.result(waiting), { code: 'STOPPED' });
    await world.result(stopped);
    await t.throwsAsync(
      scene[role].waitUntil('b', () => true),
      { code: 'STOPPED' },
    );
    await t.throwsAsync(scene[role].ready(), { code: 'STOPPED' });
  });

  test(`the ${role} stops at the end of its block`, async (t) => {
    const scene = await newScene();
    await scene.world.result(
      (async () => {
        await using participant: Any = scene[role];
        t.not(participant.mode, 'stopped');
      })(),
    );
    t.is(scene[role].mode, 'stopped');
  });
}

test('waitUntil hears of what a reading says by time alone', async (t) => {
  const { world, processes, owner, follower } = await newScene();
  owner.set('b', 1);
  await world.time.advance(20);
  const stale = follower.waitUntil('b', ({ freshness }) => freshness === 'stale');
  cut(processes.follower);
  t.is((await world.result(stale)).freshness, 'stale');
  const live = follower.waitUntil('b', ({ freshness, value }) => freshness === 'live' && value === 1);
  mend(processes.follower);
  t.is((await world.result(live)).value, 1);
});

test('ready waits for a living owner where it is asked to, and a follower of a dead one says so', async (t) => {
  const world = new MemoryWorld();
  const follower = world.process('follower').tandem.follow(space);
  await world.result(follower.ready());
  const error = await t.throwsAsync(world.result(follower.ready({ owner: true, timeoutMs: 300 })), {
    code: 'TIMEOUT',
  });
  t.regex(error.message, /no living owner of space "s" was heard within .*: .*no owner was ever heard/);
  const ready = follower.ready({ owner: true });
  const owner = world.process('owner').tandem.own(space);
  await world.result(ready);
  t.true(follower.proof.ownerAlive());
  await t.throwsAsync(follower.ready({ owner: 'yes' as never }), { code: 'INVALID_OPTION' });
  await world.result(follower.stop());
  await t.throwsAsync(follower.ready(), { code: 'STOPPED' });
  await world.result(owner.stop());
});

test('update reads, computes and sets in one step, or changes nothing', async (t) => {
  const { world, owner, follower } = await newScene();
  const add = (value = 0): number => value + 1;
  owner.update('b', add);
  owner.update('b', add);
  t.is(owner.update('b', add), undefined);
  owner.batch(() => {
    owner.update('b', add);
    owner.update('b', add);
  });
  const told = note(owner, '*');
  const fails = (): never => {
    owner.set('a/1', 1);
    throw new Error('mine');
  };
  t.throws(() => owner.update('b', fails), { message: 'mine' });
  t.throws(() => owner.update('b', () => undefined as never), { code: 'NOT_JSON' });
  t.throws(() => owner.update('b', (async () => 1) as never), { code: 'INVALID_BATCH' });
  t.throws(() => owner.update('b', () => Promise.reject(new Error('mine')) as never), {
    code: 'INVALID_BATCH',
  });
  t.throws(() => owner.update('b', 5 as never), { code: 'INVALID_OPTION' });
  t.throws(() => owner.update('c' as 'b', add), { code: 'UNKNOWN_KEY' });
  await world.time.advance(20);
  t.deepEqual(told, []);
  t.is(owner.get('a/1').value, undefined);
  t.is(owner.get('b').value, 5);
  t.is(follower.get('b').value, 5);
});

test('an owner tells what its claim brings, and not again what was set before', async (t) => {
  const world = new MemoryWorld();
  const first = world.process('first').tandem.own(space);
  first.set('a/1', 1);
  first.set('a/2', 2);
  first.set('b', 3);
  await world.result(first.stop());
  const second = world.process('second').tandem.own(space);
  const told = note(second, '*');
  second.set('a/2', 20);
  second.delete('b');
  await world.result(second.ready());
  await world.time.advance(20);
  t.deepEqual(told, ['a/2=20', 'b=undefined', 'a/1=1']);
});

test('what changes while a watch is told what is there comes once, by the change', async (t) => {
  const time = new FakeTime();
  const values = new Map(['a/1', 'a/2', 'a/3'].map((key) => [key, 1]));
  const read = (key: string): Reading =>
    ({ key, value: values.get(key), position: `1-${values.get(key)}` }) as Reading;
  const watchers = new Watchers<Reading>();
  const told: string[] = [];
  const end = beginWatch<Reading>(
    {
      slices: new Slices(time, { steps: () => 1, fewSteps: 0 }),
      size: values.size,
      add: (pattern, callback) => watchers.add(pattern, callback),
      read,
      *rows() {
        for (const key of values.keys()) yield { key, position: '1-1' } as Row;
      },
    },
    'a/*',
    ({ key, value }) => told.push(`${key}=${String(value)}`),
    { initial: true },
  );
  values.set('a/3', 2);
  watchers.tell('a/3', () => read('a/3'));
  await time.settle();
  t.deepEqual(told, ['a/1=1', 'a/3=2', 'a/2=1']);
  end();
  t.true(watchers.isEmpty);
});

test('a watcher that sets what it is told of does not keep a real loop', async (t) => {
  await using tandem = connect({ store: memoryServer(), name: 'owner' });
  const owner = tandem.own(space);
  await owner.ready();
  let calls = 0;
  owner.watch('b', ({ value }) => {
    calls += 1;
    if (calls < 1_000) owner.set('b', value! + 1);
  });
  owner.set('b', 0);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  t.true(calls > 0 && calls < 100, `${calls} calls in two turns of the loop`);
  await owner.waitUntil('b', ({ value }) => value === 999);
});

test('after a full sync and after a takeover, the last that anybody was told is what is there', async (t) => {
  const { world, processes, owner, follower, standby } = await newScene();
  const told = new Map<Any, Map<string, unknown>>();
  for (const participant of [owner, follower, standby]) {
    const seen = new Map<string, unknown>();
    told.set(participant, seen);
    participant.watch('*', ({ key, value }) =>
      value === undefined ? seen.delete(key) : seen.set(key, value),
    );
  }
  const agrees = (participant: Any): void => {
    const shown = new Map([...participant.entries()].map(({ key, value }) => [key as string, value]));
    t.deepEqual(told.get(participant), shown as Map<string, unknown>);
  };
  owner.set('a/1', 1);
  owner.set('a/2', 2);
  await world.time.advance(20);
  cut(processes.follower);
  cut(processes.standby);
  owner.delete('a/1');
  owner.set('a/3', 3);
  await world.time.advance(100);
  cut(processes.owner);
  mend(processes.standby);
  await world.time.until(() => standby.ownership === 'leading', 'the takeover', 20_000);
  standby.set('b', 5);
  mend(processes.follower);
  await world.time.advance(1_000);
  for (const participant of [follower, standby]) agrees(participant);
  t.is(told.get(follower)!.get('b'), 5);
  t.false(told.get(standby)!.has('a/1'));
});

for (const role of ROLES) {
  test(`a large state is told to a watch of the ${role} in slices, each key once, while it changes`, async (t) => {
    const scene = await newScene();
    const { owner, world } = scene;
    const keys = 3_000;
    owner.batch(() => {
      for (let n = 0; n < keys; n += 1) owner.set(`a/${n}`, n);
    });
    await world.time.until(() => scene[role].size === keys, 'all keys are there');
    const calls = new Map<string, unknown[]>();
    const note = ({ key, value }: AnyReading<D>): void =>
      void calls.set(key, [...(calls.get(key) ?? []), value]);
    scene[role].watch('*', note, { initial: true });
    owner.set('a/2999', -1);
    owner.delete('a/2998');
    await world.time.until(() => calls.size === keys, 'all keys are told');
    await world.time.advance(50);
    t.deepEqual(calls.get('a/0'), [0]);
    t.is(calls.get('a/2999')!.at(-1), -1);
    t.is(calls.get('a/2998')!.at(-1), undefined);
    t.true([...calls.values()].every((values) => values.length <= 2));
    t.true([...calls.values()].filter((values) => values.length === 2).length <= 2);
  });
}

test('a watch that ends in the middle of what is there is not called any more', async (t) => {
  const { world, owner } = await newScene();
  for (const n of [1, 2, 3]) owner.set(`a/${n}`, n);
  await world.time.advance(20);
  const abort = new AbortController();
  const told: unknown[] = [];
  const note = ({ value }: { value: unknown }): void => {
    told.push(value);
    if (value === 2) abort.abort();
  };
  owner.watch('*', note, { initial: true, signal: abort.signal });
  t.deepEqual(told, [1, 2]);
});

test('an owner that resumes a large state tells all of it, while it is set further', async (t) => {
  const world = new MemoryWorld();
  const first = world.process('first').tandem.own(space);
  await world.result(first.ready());
  for (let n = 0; n < 3_000; n += 1) first.set(`a/${n}`, n);
  await world.result(first.stop());
  const second = world.process('second').tandem.own(space);
  const told = new Map<string, unknown>();
  second.watch('*', ({ key, value }) => put(told, key, value));
  // Nobody is told of it before the claim has come.
  second.set('b', 1);
  await world.result(second.ready());
  second.delete('a/7');
  second.set('a/8', -8);
  await world.time.until(() => told.size === second.size, 'all of it is told');
  await world.time.advance(50);
  t.is(told.size, 3_000);
  t.deepEqual([told.get('b'), told.get('a/7'), told.get('a/8'), told.get('a/9')], [1, undefined, -8, 9]);
});

test('whatever happens, watchers and iterators come to the state that is there', async (t) => {
  const act = fc.oneof(
    fc.record({ act: fc.constantFrom('set' as const), key: fc.nat(4), value: fc.nat(9) }),
    fc.record({ act: fc.constantFrom('delete' as const), key: fc.nat(4) }),
    fc.record({ act: fc.constantFrom('cut' as const, 'mend' as const), who: fc.constantFrom(...ROLES) }),
    fc.record({ act: fc.constantFrom('pass' as const), ms: fc.constantFrom(0, 5, 50, 900, 4_000) }),
    fc.record({ act: fc.constantFrom('take' as const), who: fc.constantFrom(...ROLES) }),
  );
  const property = fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
    const scene = await newScene();
    const { world, processes } = scene;
    const seen = ROLES.map((role) => new Seen(scene[role]));
    for (const one of acts) {
      const leader = [scene.owner, scene.standby].find(({ ownership }) => ownership === 'leading');
      if (one.act === 'set') write(() => leader?.set(`a/${one.key}`, one.value));
      else if (one.act === 'delete') write(() => leader?.delete(`a/${one.key}`));
      else if (one.act === 'cut') cut(processes[one.who]);
      else if (one.act === 'mend') mend(processes[one.who]);
      else if (one.act === 'pass') await world.time.advance(one.ms);
      else seen[ROLES.indexOf(one.who)]!.take();
    }
    for (const role of ROLES) mend(processes[role]);
    await world.time.advance(15_000);
    for (const one of seen) {
      if (one.participant.mode === 'stopped') continue;
      await one.takeAll(() => world.time.advance(0));
      one.agrees();
    }
  });
  await check(t, property, { numRuns: 60 });
});

/** Nothing is set by an owner that has lost its space. */
function write(run: () => unknown): void {
  try {
    run();
  } catch {
    // It was fenced in between.
  }
}

/** What a watcher and an iterator of a participant have seen. */
class Seen {
  readonly participant: Any;
  readonly #changes: AsyncIterableIterator<AnyReading<D, 'a/'>>;
  readonly #watched = new Map<string, unknown>();
  readonly #iterated = new Map<string, unknown>();
  #taking = 0;

  constructor(participant: Any) {
    this.participant = participant;
    participant.watch('a/*', ({ key, value }) => put(this.#watched, key, value), { initial: true });
    this.#changes = participant.changes('a/*');
  }

  take(): void {
    this.#taking += 1;
    void this.#takeOne();
  }

  async #takeOne(): Promise<void> {
    const { value } = await this.#changes.next();
    this.#taking -= 1;
    if (value !== undefined) put(this.#iterated, value.key, value.value);
  }

  async takeAll(settle: () => Promise<void>): Promise<void> {
    do {
      this.take();
      await settle();
    } while (this.#taking === 0);
  }

  agrees(): void {
    const shown = [...this.participant.entries('a/')].map(
      ({ key, value }) => [key as string, value] as const,
    );
    assert.deepEqual(this.#watched, new Map(shown));
    assert.deepEqual(this.#iterated, new Map(shown));
  }
}

function put(map: Map<string, unknown>, key: string, value: unknown): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
