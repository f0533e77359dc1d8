/**
 * Owner and follower on the store in memory, under a fake time: interleavings of their steps. First a
 * property: after any faults, all end equal. Then one test for each known race.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { ServerClock } from '../../src/base/clock.ts';
import { TandemError } from '../../src/base/errors.ts';
import type { Frame } from '../../src/state/frame.ts';
import { decodeFence } from '../_messages.ts';
import { decodeFrame } from '../../src/state/message.ts';
import type { Follower, Owner } from '../../src/index.ts';
import { comparePositions, defineSpace, json } from '../../src/index.ts';
import type { Path, PathListener } from '../../src/ports/path.ts';
import { parsePosition, printPosition, ZERO } from '../../src/state/position.ts';
import type { Claim, Page } from '../../src/ports/store.ts';
import { Tandem } from '../../src/tandem.ts';
import { check } from '../_check.ts';
import { FakeTime } from '../../src/base/fake-time.ts';
import { RedisModel } from '../../src/memory/redis-model.ts';
import type { MemoryStoreOptions } from '../../src/memory/store.ts';
import { MemoryStore } from '../../src/memory/store.ts';
import { withDeadline } from '../../src/base/time.ts';

const SPACE = 'space';
const definition = { 'key/*': json<number>() };
const space = defineSpace(SPACE, definition);
type D = typeof definition;

/** How long a call may take, ms. */
const DEADLINE_MS = 500;

/** A store with a network delay, which can also refuse to answer. */
class Wire extends MemoryStore {
  readonly clock: ServerClock;
  /** The delay in each direction, ms. */
  delayMs = 0;
  readonly claims: Claim[] = [];
  asked = 0;
  /** The error with which `since` fails, if any. */
  refusal: TandemError | undefined;

  constructor(options: MemoryStoreOptions & { clock: ServerClock }) {
    super({ ...options, deadlineMs: DEADLINE_MS });
    this.clock = options.clock;
  }

  /** Whether calls are held on their way there. Their caller gives them up. */
  isStuck = false;
  #held: (() => unknown)[] = [];

  /** Has the clock of this process believe a time of the server. */
  sample(serverMs: number): void {
    this.clock.sample(this.time.now(), serverMs, this.time.now());
  }

  /** Lets calls arrive that were held. */
  deliver(): void {
    this.isStuck = false;
    for (const run of this.#held.splice(0)) run();
  }

  protected override roundTrip<R>(run: () => R): Promise<R> {
    if (!this.isStuck) return super.roundTrip(run);
    this.#held.push(run);
    const late = (): Error => new TandemError('REDIS_UNAVAILABLE', 'Redis did not answer');
    return withDeadline(this.time, DEADLINE_MS, new Promise<R>(() => {}), late);
  }

  protected override travel(): Promise<void> {
    if (this.delayMs === 0) return super.travel(this.commands);
    return new Promise((resolve) => this.time.after(this.delayMs, resolve));
  }

  override claim(name: string, claim: Claim) {
    this.claims.push(claim);
    return super.claim(name, claim);
  }

  override since(...args: Parameters<MemoryStore['since']>): Promise<Page> {
    this.asked += 1;
    return this.refusal === undefined ? super.since(...args) : Promise.reject(this.refusal);
  }

  cutBoth(): void {
    this.commands.cut();
    this.subscriber.cut();
  }

  mendBoth(): void {
    this.commands.mend();
    this.subscriber.mend();
  }
}

interface Process {
  readonly tandem: Tandem;
  readonly wire: Wire;
}

class World {
  readonly time: FakeTime;
  readonly server: RedisModel;

  constructor(seed = 1) {
    this.time = new FakeTime(seed);
    this.server = new RedisModel(this.time);
  }

  process(name: string, path: () => Path = () => assert.fail('no direct path here')): Process {
    const { time, server } = this;
    const clock = new ServerClock(time);
    const wire = new Wire({ server, time, clock });
    const around = { name, store: wire, clock, time, path };
    return { tandem: new Tandem(around, () => {}), wire };
  }

  async led(owner: Owner<D>): Promise<void> {
    await this.time.until(() => owner.mode === 'connected', 'an owner that leads');
  }

  async equal(owner: Owner<D>, follower: Follower<D>, ms = 5_000): Promise<void> {
    const isEqual = (): boolean =>
      follower.mode === 'connected' &&
      owner.mode === 'connected' &&
      owner.head === follower.head &&
      owner.head === printPosition(this.server.space(SPACE).meta);
    await this.time.until(
      isEqual,
      `owner ${owner.mode} ${owner.head}, follower ${follower.mode} ${follower.head}`,
      ms,
    );
    assert.deepEqual(stateOf(follower), stateOf(owner));
  }
}

const stateOf = (participant: Owner<D> | Follower<D>): Record<string, unknown> =>
  Object.fromEntries(
    [...participant.entries()]
      .map(({ key, value }): [string, unknown] => [key, value])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

const key = fc.constantFrom('key/a', 'key/b', 'key/c', 'key/d');
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('set' as const), key, value: fc.nat(99) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('batch' as const), value: fc.nat(99) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(400) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('cut' as const),
      who: fc.nat(2),
      link: fc.constantFrom('commands' as const, 'subscriber' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('mend' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remember' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roll back' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wipe' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('slow' as const), who: fc.nat(2), ms: fc.nat(60) }) },
);

test('for any cuts, losses and delays, followers see only past states, never go back, and end equal', (t) =>
  check(
    t,
    fc.asyncProperty(
      fc.array(happening, { maxLength: 60, size: 'max' }),
      fc.integer(),
      async (happenings, seed) => {
        const world = new World(seed);
        const { time, server } = world;
        const processes = [world.process('owner'), world.process('near'), world.process('far')] as const;
        const owner = processes[0].tandem.own(space);
        const followers = [processes[1].tandem.follow(space), processes[2].tandem.follow(space)];
        // Every past state of the owner, by revision. Revisions grow across epochs, so none occurs twice.
        const past = new Map([['0', '{}']]);
        const revisionOf = (head: string): string => head.replace(/^.*-/, '');
        const note = (): void => void past.set(revisionOf(owner.head), JSON.stringify(stateOf(owner)));
        const failures: unknown[] = [];
        const looks: (() => void)[] = [];
        for (const follower of followers) {
          let before = follower.head;
          const look = (): void => {
            assert.ok(
              comparePositions(follower.head, before) >= 0,
              `the follower went back from ${before} to ${follower.head}`,
            );
            before = follower.head;
            const { 'key/x': x, 'key/y': y } = stateOf(follower);
            assert.equal(x, y, 'a follower showed half a batch');
            assert.equal(
              JSON.stringify(stateOf(follower)),
              past.get(revisionOf(before)),
              `not the owner's state at ${before}`,
            );
          };
          looks.push(look);
          follower.watch('*', look);
          follower.on('sync', look);
          // An assertion that fails in a callback arrives as an error event.
          follower.on(
            'error',
            ({ error }) => void (error.code === 'CALLBACK_FAILED' && failures.push(error.cause)),
          );
        }
        await world.led(owner);
        let rollBack = server.remember(SPACE);

        for (const one of happenings) {
          const at = processes['who' in one ? (one.who as 0 | 1 | 2) : 0].wire;
          if (one.do === 'set') owner.set(one.key, one.value);
          else if (one.do === 'delete') owner.delete(one.key);
          else if (one.do === 'batch')
            owner.batch(() => {
              owner.set('key/x', one.value);
              owner.set('key/y', one.value);
            });
          else if (one.do === 'pass') {
            // A reader that looks in between must not see half of a batch either.
            for (let ms = 0; ms < one.ms; ms += 25) {
              await time.advance(25);
              for (const look of looks) look();
            }
          } else if (one.do === 'cut') at[one.link].cut();
          else if (one.do === 'mend') at.mendBoth();
          else if (one.do === 'remember') rollBack = server.remember(SPACE);
          else if (one.do === 'roll back') rollBack();
          else if (one.do === 'wipe') server.wipe();
          else if (one.do === 'lose') server.space(SPACE).live.state.delete(one.key);
          else at.delayMs = one.ms;
          note();
        }
        for (const { wire } of processes) {
          wire.delayMs = 0;
          wire.mendBoth();
        }
        for (const follower of followers) await world.equal(owner, follower, 2_500);
        assert.deepEqual(failures, []);
        assert.equal(owner.ownership, 'leading');
        await Promise.all(processes.map(({ tandem }) => stopped(time, tandem)));
      },
    ),
    { numRuns: 150 },
  ));

/** Stops a Tandem while time goes on. */
async function stopped(time: FakeTime, tandem: Tandem): Promise<void> {
  let isStopped = false;
  void tandem.stop().then(() => (isStopped = true));
  await time.until(() => isStopped, 'a Tandem that stops');
}

// ---- single races ----

interface Pair {
  readonly world: World;
  readonly owning: Process;
  readonly following: Process;
  readonly owner: Owner<D>;
  readonly follower: Follower<D>;
}

async function pair(): Promise<Pair> {
  const world = new World();
  const [owning, following] = [world.process('owner'), world.process('follower')];
  const owner = owning.tandem.own(space);
  const follower = following.tandem.follow(space);
  await world.equal(owner, follower);
  return { world, owning, following, owner, follower };
}

test('a heartbeat that falls due while the lease is given up does not take it back', async (t) => {
  // The stop may begin at any moment between two heartbeats.
  for (const ms of [900, 950, 1_000, 1_050, 1_100, 1_150, 1_200]) {
    const { world, owning, owner } = await pair();
    owning.wire.delayMs = 100;
    owner.set('key/a', 1);
    await world.time.advance(ms);
    await stopped(world.time, owning.tandem);
    await world.time.advance(1_000);
    t.is(world.server.space(SPACE).lease, undefined, `stopped after ${ms} ms`);
  }
});

test('an owner that was cut off for longer than its lease is fenced, and names its uncommitted changes', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  owning.wire.cutBoth();
  owner.set('key/a', 2);
  owner.set('key/b', 3);
  owner.delete('key/a');
  const fenced: unknown[] = [];
  owner.on('fenced', ({ uncommitted }) => fenced.push(...uncommitted.map(({ key, value }) => [key, value])));

  const successor = world.process('successor').tandem.own(space);
  await world.led(successor);
  successor.set('key/c', 4);
  owning.wire.mendBoth();
  await world.time.until(() => owner.mode === 'stopped', 'an owner that is fenced');
  t.is(owner.ownership, 'fenced');
  t.deepEqual(fenced, [
    ['key/b', 3],
    ['key/a', undefined],
  ]);
  t.throws(() => owner.set('key/a', 5), { code: 'FENCED' });
  await world.equal(successor, follower);
  t.deepEqual(stateOf(follower), { 'key/a': 1, 'key/c': 4 });
});

test('a follower that starts between the announcement and the commit of a change finds it at once', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.time.until(() => follower.get('key/a').value === 1, 'the announcement');
  const late = world.process('late').tandem.follow(space);
  const modes: string[] = [];
  late.on('mode', ({ mode }) => modes.push(mode));
  await world.time.until(() => late.mode === 'connected', 'a follower');
  t.is(late.get('key/a').value, undefined);
  await world.time.advance(40);
  t.is(late.get('key/a').value, 1);
  t.deepEqual(modes, ['connected']);
});

test('a change whose announcement was lost with its connection is published again by its commit', async (t) => {
  const { world, owning, owner, follower } = await pair();
  await world.time.advance(200);
  const told: Frame[] = [];
  world.server.subscribe(SPACE, (message) => {
    const frame = decodeFrame(message);
    if (frame.changes.length > 0) told.push(frame);
  });
  owning.wire.delayMs = 5;
  owner.set('key/a', 1);
  await world.time.advance(1);
  owning.wire.commands.cut();
  await world.time.advance(20);
  t.deepEqual(told, [], 'the announcement has not arrived');
  owning.wire.commands.mend();
  await world.equal(owner, follower);
  t.deepEqual(
    told.map(({ changes, isAhead }) => [changes.map(({ key }) => key), isAhead]),
    [[['key/a'], false]],
  );
});

test('a follower that missed an announcement is behind only until the next one', async (t) => {
  const { world, following, owner, follower } = await pair();
  await world.time.advance(500);
  following.wire.forgetSubscriptions();
  owner.set('key/a', 1);
  await world.time.advance(10);
  t.is(follower.get('key/a').value, undefined);
  await Promise.all([following.wire.subscribe(SPACE, () => {}), world.time.advance(1)]);
  const modes: string[] = [];
  follower.on('mode', ({ mode }) => modes.push(mode));
  // Each announcement finds the keys unchanged, since its commit comes 10 ms later.
  for (let n = 2; n < 20; n += 1) {
    owner.set('key/a', n);
    await world.time.advance(1);
    if (n > 2) t.is(follower.get('key/a').value, n);
    await world.time.advance(19);
    t.is(follower.get('key/a').value, n);
  }
  t.deepEqual(modes, ['recovering', 'connected']);
});

test('a standby continues from announced but uncommitted changes, without a full sync anywhere', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  owner.set('key/b', 1);
  const standing = world.process('standby');
  const standby = standing.tandem.own(space, { standby: true });
  await world.equal(owner, follower);
  await world.time.until(() => standby.head === owner.head, 'a standby in step');
  let replacements = 0;
  standing.wire.replaceAll = () => assert.fail(`${(replacements += 1)} replacements`);
  let syncs = 0;
  follower.on('sync', () => (syncs += 1));

  owner.set('key/b', 2);
  owner.delete('key/a');
  await world.time.until(() => follower.head === owner.head && standby.head === owner.head, 'the change');
  owning.wire.cutBoth();
  t.not(printPosition(world.server.space(SPACE).meta), owner.head, 'it was not committed');
  await world.led(standby);
  await world.equal(standby, follower);
  t.deepEqual(stateOf(follower), { 'key/b': 2 });
  t.deepEqual(Object.fromEntries(world.server.space(SPACE).live.state), { 'key/b': '2' });
  t.is(replacements + syncs, 0);
});

test('direct frames of a cut-off owner that arrive during a sync do not stay beneath the synced state', async (t) => {
  const world = new World();
  let listener: PathListener | undefined;
  const clock = new ServerClock(world.time);
  const path = (): Path => ({ clock, via: [], open: (one) => void (listener = one), close: () => {} });
  const [owning, following] = [world.process('owner'), world.process('follower', path)];
  const owner = owning.tandem.own(space);
  const direct = { url: 'http://127.0.0.1:1', token: 'of sixteen or more', mode: 'always' } as const;
  const follower = following.tandem.follow(space, { direct });
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  const { epoch, revision } = parsePosition(owner.head);
  owning.wire.cutBoth();
  following.wire.cutBoth();
  const successor = world.process('successor').tandem.own(space);
  await world.led(successor);
  successor.set('key/a', 2);
  await world.time.advance(100);

  following.wire.delayMs = 20;
  following.wire.mendBoth();
  await world.time.until(() => follower.mode === 'recovering', 'a catch-up');
  await world.time.advance(50);
  clock.sample(world.time.now(), world.time.now(), world.time.now());
  const changes = [{ key: 'key/b', revision: revision + 1, json: '9' }];
  const place = {
    epoch,
    base: ZERO,
    prev: revision,
    revision: revision + 1,
    cutAt: 1,
    leaseMs: 0,
    bye: false,
  };
  t.is(listener!.receive({ ...place, publishedAt: 1, changes }, world.time.now()), 'applied');
  t.is(follower.get('key/b').value, 9);
  t.is(follower.mode, 'recovering');
  await world.equal(successor, follower);
  t.deepEqual(stateOf(follower), { 'key/a': 2 });
});

test('an owner whose claim Redis lost claims again, even after a follower has raised the fence', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  await stopped(world.time, owning.tandem);
  const rollBack = world.server.remember(SPACE);
  const heard: number[] = [];
  world.server.subscribe(SPACE, (message) => heard.push(decodeFence(message) ?? 0));
  const next = world.process('next');
  const successor = next.tandem.own(space);
  const answer = Promise.withResolvers<never>();
  next.wire.commit = () => answer.promise;
  await world.time.until(() => successor.ownership === 'leading', 'a claim');
  await world.time.advance(50);
  next.wire.cutBoth();
  answer.reject(new TandemError('REDIS_UNAVAILABLE', 'cut'));
  rollBack();
  const { fence } = world.server.space(SPACE).meta;
  const seen = next.wire.claims.length;
  const asked = world.process('another').wire.since(SPACE, ZERO, 0, { seen: Math.max(...heard) });
  await Promise.all([asked, world.time.advance(1)]);
  delete (next.wire as Partial<Wire>).commit;
  t.true(world.server.space(SPACE).meta.fence > fence);
  next.wire.mendBoth();
  successor.set('key/a', 2);
  await world.equal(successor, follower);
  t.is(next.wire.claims.length, seen + 1);
});

test('once a claim was heard, keys of an epoch below it are not live, even if Redis has lost the claim', async (t) => {
  const { world, owning, following, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  owning.wire.cutBoth();
  await world.time.advance(5_000);
  const rollBack = world.server.remember(SPACE);
  const next = world.process('next');
  next.wire.commit = () => new Promise(() => {});
  const successor = next.tandem.own(space);
  await world.time.until(() => successor.ownership === 'leading', 'a claim');
  await world.time.advance(50);
  const { fence } = world.server.space(SPACE).meta;

  // Redis fails over to a copy from before the claim. The owner before it goes on, until someone raises the
  // fence.
  for (const { wire } of [next, following]) wire.cutBoth();
  rollBack();
  owning.wire.mendBoth();
  await world.led(owner);
  owner.set('key/a', 2);
  await world.time.advance(50);
  following.wire.mendBoth();
  let isShown = false;
  const isEqual = (): boolean => {
    const { value, freshness } = follower.get('key/a');
    const isBelow = parsePosition(follower.head).epoch < fence;
    isShown ||= value === 2 && isBelow;
    t.false(value === 2 && isBelow && freshness === 'live');
    return follower.mode === 'connected' && freshness === 'live' && follower.head === owner.head;
  };
  await world.time.until(isEqual, 'a follower that is live', 5_000, 1);
  t.true(isShown, 'the keys were read before the owner had claimed again');
  t.is(follower.get('key/a').value, 2);
});

test('after a claim, watchers of the head of an owner are called, even if nothing is set', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  const heads: string[] = [];
  owner.watchHead(() => heads.push(owner.head));
  const before = owner.head;
  world.server.wipe();
  await world.time.until(() => owner.head !== before, 'a new epoch');
  await world.equal(owner, follower);
  t.is(heads.at(-1), owner.head);
});

test('a direct reader that came before the first claim starts over as soon as the owner leads', async (t) => {
  const { world, owner, owning, follower } = await pair();
  owner.set('key/old', 1);
  await world.equal(owner, follower);
  await stopped(world.time, owning.tandem);
  const next = world.process('next');
  next.wire.delayMs = 5;
  const successor = next.tandem.own(space, { leaseMs: 20_000, heartbeatMs: 5_000 });
  successor.set('key/a', 1);
  let endedAt = Infinity;
  successor.feed.open(ZERO, { write: () => true, end: () => void (endedAt = world.time.now()) });
  await world.led(successor);
  const ledAt = world.time.now();
  await world.time.until(() => endedAt < Infinity, 'the end of the feed');
  t.true(endedAt - ledAt < 10);
});

test('a standby whose machine has slept sends nothing, and takes over when its turn comes', async (t) => {
  const world = new World();
  const owning = world.process('owner').tandem;
  const owner = owning.own(space);
  const standby = world.process('standby').tandem.own(space, { standby: true });
  owner.set('key/a', 1);
  await world.time.until(() => owner.mode === 'connected' && standby.head === owner.head, 'both in step');
  world.time.sleep(1_000);
  await world.time.advance(1_000);
  t.is(standby.ownership, 'standby');
  const stopping = owning.stop();
  await world.time.until(() => standby.ownership === 'leading', 'the standby to lead');
  await stopping;
});

test('a listener that hears that a standby leads sees no stopped state', async (t) => {
  const { world, owner, owning, follower } = await pair();
  owner.set('key/a', 1);
  const standby = world.process('standby').tandem.own(space, { standby: true });
  await world.equal(owner, follower);
  await world.time.until(() => standby.head === owner.head, 'a standby in step');
  const states: string[] = [];
  standby.on('ownership', () => void states.push(standby.state));
  await stopped(world.time, owning.tandem);
  await world.time.until(() => standby.ownership === 'leading', 'a takeover');
  t.true(states.length > 0 && !states.includes('stopped'));
});

test('a refresh during a catch-up replaces what differed before it resolves', async (t) => {
  for (let ms = 0; ms < 160; ms += 8) {
    const { world, owner, owning, following, follower } = await pair();
    owner.set('key/a', 1);
    await world.equal(owner, follower);
    await world.time.advance(20);
    // The owner does not find the edited value by itself here.
    owning.wire.refusal = new TandemError('REDIS_REFUSED', 'no scrub');
    world.server.space(SPACE).live.state.set('key/a', '99');
    following.wire.delayMs = 20;
    following.wire.subscriber.cut();
    following.wire.subscriber.mend();
    await world.time.advance(ms);
    let found: unknown;
    void follower.refresh().then(
      ({ differed }) => (found = differed > 0 ? follower.get('key/a').value : 99),
      (error: unknown) => (found = error),
    );
    await world.time.until(() => found !== undefined, 'a refresh', 3_000, 1);
    t.is(found, 99, `after ${ms} ms`);
  }
});

test('an owner that starts over leaves nothing of the old state, neither in Redis nor at followers', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  owner.set('key/b', 2);
  await world.equal(owner, follower);
  await stopped(world.time, owning.tandem);
  const next = world.process('next').tandem.own(space, { start: 'reset' });
  next.set('key/b', 3);
  await world.equal(next, follower);
  t.deepEqual(stateOf(follower), { 'key/b': 3 });
  t.deepEqual(Object.fromEntries(world.server.space(SPACE).live.state), { 'key/b': '3' });
});

test('an owner that is fenced after Redis lost everything reports everything as uncommitted', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  owning.wire.cutBoth();
  // Within one millisecond, the next epoch could be the same.
  await world.time.advance(10);
  world.server.wipe();
  await world.led(world.process('other').tandem.own(space));
  const fenced: unknown[] = [];
  owner.on('fenced', ({ uncommitted }) => fenced.push(...uncommitted.map(({ key, value }) => [key, value])));
  owning.wire.mendBoth();
  await world.time.until(() => owner.mode === 'stopped', 'an owner that is fenced');
  t.deepEqual(fenced, [['key/a', 1]]);
});

test('a follower that finds Redis behind keeps its state until the owner has repaired Redis', async (t) => {
  const { world, owning, following, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  const rollBack = world.server.remember(SPACE);
  owner.set('key/a', 2);
  await world.equal(owner, follower);
  const { head } = follower;
  // A heartbeat has confirmed that Redis holds the change: every other heartbeat does.
  await world.time.advance(600);
  owning.wire.cutBoth();
  rollBack();
  following.wire.cutBoth();
  following.wire.mendBoth();
  await world.time.advance(1_500);
  t.is(follower.mode, 'degraded');
  t.is(follower.head, head);
  t.is(follower.get('key/a').value, 2);
  owning.wire.mendBoth();
  await world.equal(owner, follower);
  t.is(follower.get('key/a').value, 2);
});

test("an owner's own late claim does not fence it", async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  // The claim was still on its way when its connection was given up.
  const { outcome } = world.server.claim(SPACE, owning.wire.claims[0]!);
  t.is(outcome, 'claimed');
  owner.set('key/a', 2);
  await world.equal(owner, follower);
  t.is(owner.ownership, 'leading');
  t.is(follower.get('key/a').value, 2);
});

test('a claim that its claimant has given up fences no living owner', async (t) => {
  const { world, owner, follower } = await pair();
  const { tandem, wire } = world.process('rival');
  tandem.own(space).on('error', () => {});
  await world.time.until(() => wire.claims.length === 1, 'a first claim, which is held off');
  wire.isStuck = true;
  await world.time.until(() => wire.claims.length > 1, 'a claim that is stuck on its way');
  wire.cutBoth();
  await world.time.advance(2_000);
  // The lease is gone for the moment that its owner needs to renew it.
  world.server.space(SPACE).lease = undefined;
  wire.deliver();
  await world.time.advance(50);
  owner.set('key/a', 2);
  await world.equal(owner, follower);
  t.is(owner.ownership, 'leading');
  t.is(follower.get('key/a').value, 2);
});

test('a claimant goes on after the clock of Redis was set forward', async (t) => {
  const world = new World();
  const { tandem, wire } = world.process('owner');
  // A sample from before the clock was set: by it, each claim comes an hour late.
  wire.sample(world.server.now() - 3_600_000);
  await world.led(tandem.own(space));
  t.is(wire.claims.length, 2);
});

test('a claim that Redis loses before the state is read is repeated, and nobody is fenced', async (t) => {
  const world = new World();
  const { tandem, wire } = world.process('owner');
  wire.delayMs = 5;
  const owner = tandem.own(space);
  await world.time.until(() => wire.asked === 1, 'a claim, and a request for the state');
  world.server.wipe();
  owner.set('key/a', 1);
  await world.led(owner);
  t.is(wire.claims.length, 2);
  t.is(owner.ownership, 'leading');
});

test('an owner that is stopped during a repair finishes it, says goodbye, and reports no error', async (t) => {
  for (let ms = 0; ms < 60; ms += 3) {
    const { world, owning, owner, follower } = await pair();
    owner.set('key/a', 1);
    owner.set('key/b', 2);
    await world.equal(owner, follower);
    const errors: string[] = [];
    owner.on('error', ({ error }) => errors.push(error.code));
    owning.wire.delayMs = 5;
    world.server.wipe();
    owner.set('key/c', 3);
    const claims = owning.wire.claims.length;
    await world.time.until(() => owning.wire.claims.length > claims, 'a new claim');
    await world.time.advance(ms);
    const stopped = owner.stop();
    await world.time.advance(1_000);
    await stopped;
    const { live, lease } = world.server.space(SPACE);
    t.deepEqual([...live.state.keys()].toSorted(), ['key/a', 'key/b', 'key/c'], `${ms} ms`);
    t.is(lease, undefined, `${ms} ms`);
    t.false(follower.get('key/a').ownerAlive, `${ms} ms`);
    t.deepEqual(
      errors.filter((code) => code !== 'KEYS_LOST'),
      [],
      `${ms} ms`,
    );
  }
});

test('an added value is found even if another was lost and the count is right', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  owner.set('key/b', 2);
  await world.equal(owner, follower);
  const { live } = world.server.space(SPACE);
  live.state.set('foreign', 'null');
  live.state.delete('key/a');
  const isRight = (): boolean => {
    const { state } = world.server.space(SPACE).live;
    return state.size === 2 && state.get('key/a') === '1' && owner.mode === 'connected';
  };
  await world.time.until(isRight, "the owner's state, and no more", 5_000);
  await world.equal(owner, follower);
  t.false(world.server.space(SPACE).live.state.has('foreign'));
});

test('a foreign key in place of another, index included, is found, and followers that read it are corrected', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  owner.set('key/b', 2);
  await world.equal(owner, follower);
  const { live } = world.server.space(SPACE);
  live.state.delete('key/a');
  live.index.delete('key/a');
  live.state.set('key/z', '9');
  live.index.set('key/z', 1);
  const late = world.process('late').tandem.follow(space);
  await world.time.until(() => late.get('key/z').value === 9, 'the value that was put there');
  await world.time.until(() => late.get('key/z').value === undefined, "the owner's value", 5_000);
  await world.equal(owner, late);
  await world.equal(owner, follower);
  t.is(late.get('key/a').value, 1);
  t.deepEqual([...world.server.space(SPACE).live.state.keys()].toSorted(), ['key/a', 'key/b']);
});

test('the goodbye of an owner with uncommitted changes proves nothing', async (t) => {
  const { world, owning, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  const { wire } = owning;
  const refusal = new TandemError('REDIS_NOT_READY', 'takes no writes');
  wire.commit = () => Promise.reject(refusal);
  owner.set('key/a', 2);
  const setAt = world.time.now();
  const stopped = owner.stop({ timeoutMs: 1_000 });
  await world.time.advance(1_500);
  await stopped;
  t.is(follower.get('key/a').value, 1);
  t.true(follower.get('key/a').staleMs >= world.time.now() - setAt);
  t.is(follower.get('key/a').freshness, 'stale');
});

const BOGUS = { base: { epoch: 1, revision: 5 }, prev: 0, revision: 9, cutAt: 1, leaseMs: 9, bye: false };

test('a frame with an epoch in the near future does not make a follower deaf forever', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  // Anyone who may publish could send this frame.
  world.server.publish(SPACE, { ...BOGUS, epoch: Math.floor(world.server.now()) + 60_000 }, []);
  await world.time.advance(50);
  owner.set('key/a', 2);
  await world.equal(owner, follower);
  t.is(follower.get('key/a').value, 2);
});

test('a frame with the highest possible epoch does not make a follower deaf forever', async (t) => {
  const { world, owner, follower } = await pair();
  world.server.publish(SPACE, { ...BOGUS, epoch: Number.MAX_SAFE_INTEGER }, []);
  await world.time.advance(50);
  owner.set('key/a', 2);
  await t.notThrowsAsync(world.equal(owner, follower));
});

test('a follower that Redis refuses retries after pauses, however many frames arrive', async (t) => {
  const { world, following, owner } = await pair();
  following.wire.refusal = new TandemError('REDIS_REFUSED', 'NOPERM');
  following.wire.asked = 0;
  following.wire.subscriber.cut();
  following.wire.subscriber.mend();
  for (let at = 0; at < 400; at += 1) {
    owner.set('key/a', at);
    await world.time.advance(5);
  }
  t.true(following.wire.asked > 0);
  t.true(following.wire.asked <= 40, `asked ${following.wire.asked} times in two seconds`);
});

test('a subscription that died silently is noticed, and no change is missing then', async (t) => {
  const { world, owner, follower, following } = await pair();
  // The follower has checked for missed changes when it connected.
  await world.time.advance(100);
  // The server has forgotten the subscription, while both connections work.
  following.wire.forgetSubscriptions();
  owner.set('key/a', 1);
  await world.time.until(() => follower.get('key/a').value === 1, 'the missed change', 2_000);
  owner.set('key/a', 2);
  await world.equal(owner, follower, 100);
  t.is(follower.get('key/a').value, 2);
});

test('a dead subscription is noticed within maxStaleMs, whenever it died', async (t) => {
  for (let ms = 0; ms < 800; ms += 100) {
    const { world, owner, follower, following } = await pair();
    await world.time.advance(ms);
    following.wire.forgetSubscriptions();
    owner.set('key/a', 1);
    await world.time.until(() => follower.get('key/a').value === 1, `what was missed after ${ms} ms`, 900);
  }
  t.pass();
});

test('the store finally forgets tombstones that were dropped while a whole state was written', async (t) => {
  const { world, owning, owner } = await pair();
  const churn = (name: string, count: number): void => {
    for (let at = 0; at < count; at += 1) {
      owner.set(`key/${name}/${at}`, 1);
      owner.delete(`key/${name}/${at}`);
    }
  };
  owner.set('key/a', 1);
  churn('first', 19_990);
  await world.time.advance(2_000);
  owning.wire.delayMs = 20;
  world.server.space(SPACE).live.state.delete('key/a');
  owner.set('key/a', 2);
  await world.time.until(
    () => world.server.space(SPACE).next !== undefined,
    'a replacement under way',
    5_000,
    1,
  );
  churn('second', 20);
  await world.time.advance(20_000);
  const { meta, live } = world.server.space(SPACE);
  t.is(owner.mode, 'connected');
  t.true(meta.horizon > 0);
  const forgotten = [...live.index].filter(
    ([key, revision]) => revision <= meta.horizon && !live.state.has(key),
  );
  t.is(forgotten.length, 0);
});

test('a key that somebody added is not lost: owner and followers say what it is, and it goes', async (t) => {
  const { world, owner, follower } = await pair();
  owner.set('key/a', 1);
  await world.equal(owner, follower);
  const told: string[] = [];
  for (const participant of [owner, follower])
    (participant as Follower<D>).on('error', ({ error }) => told.push(`${error.code}: ${error.message}`));
  world.server.space(SPACE).live.state.set('key/b', '666');
  const late = world.process('late').tandem.follow(space);
  late.on('error', ({ error }) => told.push(`${error.code}: ${error.message}`));
  await world.time.advance(3_000);
  await world.equal(owner, follower);
  await world.equal(owner, late);
  t.false(world.server.space(SPACE).live.state.has('key/b'));
  t.true(told.length > 0);
  t.deepEqual(
    [...new Set(told)],
    [`CONTENT_MISMATCH: Redis holds keys of space "${SPACE}" that its owner never set`],
  );
});
