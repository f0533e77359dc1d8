/**
 * Both machines, walked along every path of their graphs. Each step also goes to a running actor, whose
 * catch-ups succeed or fail on command and whose probes run on a simulated clock.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { EventObject, Snapshot, SnapshotFrom } from 'xstate';
import { createActor, fromPromise, SimulatedClock } from 'xstate';
import type { AdjacencyMap, AdjacencyValue, StatePath } from 'xstate/graph';
import {
  createTestModel,
  getAdjacencyMap,
  getShortestPaths,
  getSimplePaths,
  getStateNodes,
} from 'xstate/graph';
import type { ConnectionEvent } from '../../machines/connection.ts';
import type { Mode, Ownership } from '../../src/state/mode.ts';
import { connectionMachine } from '../../machines/connection.ts';
import type { OwnershipEvent } from '../../machines/ownership.ts';
import { ownershipMachine } from '../../machines/ownership.ts';
import { check } from '../_check.ts';

/** A graph does not know that a finished actor takes no more events. */
const isOver = ({ status }: Snapshot<unknown>): boolean => status !== 'active';

function adjacent<S extends Snapshot<unknown>, E extends EventObject>(
  map: AdjacencyMap<S, E>,
): AdjacencyValue<S, E>[] {
  return Object.values(map) as AdjacencyValue<S, E>[];
}

// ---- the connection machine ----

/** The events that the machine gets from its own work and clock. */
const CAUGHT_UP = 'xstate.done.actor.0.connection.recovering';
const FAILED = 'xstate.error.actor.0.connection.recovering';
const PROBE = 'xstate.after.probe.connection.degraded';

type AnyConnectionEvent =
  ConnectionEvent | { type: typeof CAUGHT_UP | typeof PROBE } | { type: typeof FAILED; error: Error };

const EVENTS: readonly AnyConnectionEvent[] = [
  { type: 'link.up' },
  { type: 'link.down', reason: 'Redis is out' },
  { type: 'gap', reason: 'a frame is missing' },
  { type: 'direct.up' },
  { type: 'direct.down' },
  { type: 'stop' },
  { type: CAUGHT_UP },
  { type: FAILED, error: new Error('no answer') },
  { type: PROBE },
];

interface World {
  readonly isLinkUp: boolean;
  readonly isDirectLive: boolean;
}

const WORLDS: readonly World[] = [true, false].flatMap((isLinkUp) =>
  [true, false].map((isDirectLive) => ({ isLinkUp, isDirectLive })),
);

type Value = SnapshotFrom<typeof connectionMachine>['value'];

const nameOf = (value: Value): string => (typeof value === 'string' ? value : `degraded.${value.degraded}`);
const modeOf = (value: Value): Mode => (typeof value === 'string' ? value : 'degraded');

const PROBE_MS = 100;

/** A running machine whose work the test controls. */
class Connection {
  readonly world: World;
  readonly clock = new SimulatedClock();
  /** The catch-ups that were started, each with functions to end it. */
  readonly catchUps: { succeed: () => void; fail: (error: Error) => void; signal: AbortSignal }[] = [];
  readonly actor;

  constructor(
    world: World,
    probe: 'probe after 100 ms' | 'probe as the machine says' = 'probe after 100 ms',
  ) {
    this.world = world;
    const machine = connectionMachine.provide({
      actors: {
        catchUp: fromPromise<void>(
          ({ signal }) =>
            new Promise((succeed, fail) => {
              this.catchUps.push({ succeed, fail, signal });
            }),
        ),
      },
      guards: { isLinkUp: () => this.world.isLinkUp, isDirectLive: () => this.world.isDirectLive },
      ...(probe === 'probe after 100 ms' && { delays: { probe: PROBE_MS } }),
    });
    this.actor = createActor(machine, { clock: this.clock });
    // Without a subscriber, XState would throw the actor's error from a timer, far from here.
    this.actor.subscribe({ error: (error) => assert.fail(String(error)) });
    this.actor.start();
  }

  get value(): Value {
    return this.actor.getSnapshot().value;
  }

  get name(): string {
    return nameOf(this.value);
  }

  get context(): { reason: string; failures: number } {
    return this.actor.getSnapshot().context;
  }

  async happen(event: AnyConnectionEvent): Promise<void> {
    if (event.type === CAUGHT_UP) this.catchUps.at(-1)?.succeed();
    else if (event.type === FAILED) this.catchUps.at(-1)?.fail(event.error);
    else if (event.type === PROBE) this.clock.increment(PROBE_MS);
    else this.actor.send(event as ConnectionEvent);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The conditions of each mode, whatever path led there. */
const IN_MODE: Record<Mode, (connection: Connection) => void> = {
  recovering({ actor, catchUps }) {
    assert.equal(actor.getSnapshot().status, 'active');
    assert.ok(catchUps.length > 0, 'it is catching up');
    assert.equal(catchUps.at(-1)?.signal.aborted, false);
  },
  connected({ actor, catchUps, context }) {
    assert.equal(actor.getSnapshot().status, 'active');
    assert.equal(context.failures, 0);
    assert.equal(context.reason, 'caught up');
    assert.ok(catchUps.length > 0, 'it has caught up once at least');
  },
  degraded({ actor, context }) {
    assert.equal(actor.getSnapshot().status, 'active');
    assert.notEqual(context.reason, 'start');
  },
  stopped({ actor }) {
    assert.equal(actor.getSnapshot().status, 'done');
  },
};

/**
 * How to walk the graph of a world. Events are those that the machine is sent, and those of its work and
 * clock.
 */
function graphOf(world: World) {
  const machine = connectionMachine.provide({
    guards: { isLinkUp: () => world.isLinkUp, isDirectLive: () => world.isDirectLive },
  });
  const options = {
    events: EVENTS as readonly ConnectionEvent[],
    stopWhen: isOver,
    // The reason and the count of failures do not make another state.
    serializeState: ({ value }: { value: Value }) => JSON.stringify(value) as never,
  };
  return { machine, options };
}

/** Takes a running machine along a path, and checks it after each step. Leaves it running. */
async function walk(
  world: World,
  { steps }: StatePath<SnapshotFrom<typeof connectionMachine>, EventObject>,
): Promise<Connection> {
  const connection = new Connection(world);
  const told: string[] = [];
  for (const { event, state } of steps) {
    told.push(event.type);
    // The first step of a path is the start.
    if (event.type !== 'xstate.init') await connection.happen(event as AnyConnectionEvent);
    assert.equal(connection.name, nameOf(state.value), told.join(', '));
    IN_MODE[modeOf(state.value)](connection);
  }
  return connection;
}

for (const world of WORLDS) {
  const { isLinkUp, isDirectLive } = world;
  const where = `with the link ${isLinkUp ? 'up' : 'down'} and the direct path ${isDirectLive ? 'live' : 'silent'}`;

  test(`along every simple path ${where}, the running machine is in the state of its graph`, async (t) => {
    const { machine, options } = graphOf(world);
    const paths = getSimplePaths(machine, options);
    t.log(`${paths.length} paths`);
    t.true(paths.length >= 16);
    for (const path of paths) {
      const connection = await walk(world, path);
      t.is(connection.name, nameOf(path.state.value));
      connection.actor.stop();
    }
  });
}

test('every state of the connection machine can be reached', (t) => {
  const reached = new Set(
    WORLDS.map(graphOf)
      .flatMap(({ machine, options }) => getShortestPaths(machine, options))
      .map(({ state }) => nameOf(state.value)),
  );
  const states = getStateNodes(connectionMachine)
    .filter(({ type, key }) => (type === 'atomic' || type === 'final') && key !== 'choosing')
    .map(({ path }) => path.join('.'));
  t.deepEqual([...reached].sort(), states.sort());
  t.deepEqual(states, ['connected', 'degraded.direct', 'degraded.isolated', 'recovering', 'stopped']);
});

test('stopped is final: every state leads to it, and none leads out of it', async (t) => {
  for (const world of WORLDS) {
    const { machine, options } = graphOf(world);
    for (const path of getShortestPaths(machine, options)) {
      const { state } = path;
      const connection = await walk(world, path);
      await connection.happen({ type: 'stop' });
      for (const event of EVENTS) await connection.happen(event);
      assert.equal(connection.name, 'stopped');
      assert.equal(connection.actor.getSnapshot().status, 'done');
      const underWay = connection.catchUps.filter(({ signal }) => !signal.aborted);
      if (state.value === 'recovering') assert.deepEqual(underWay, [], 'the catch-up was called off');
    }
  }
  t.pass();
});

/** The whole connection machine as designed. Events that are missing here change nothing. */
const TABLE: Record<string, Record<string, (world: World) => string>> = {
  recovering: {
    [CAUGHT_UP]: () => 'connected',
    [FAILED]: (world) => degraded(world),
    'link.down': (world) => degraded(world),
    stop: () => 'stopped',
  },
  connected: {
    'link.down': (world) => degraded(world),
    gap: () => 'recovering',
    stop: () => 'stopped',
  },
  'degraded.direct': {
    'link.up': () => 'recovering',
    'direct.down': () => 'degraded.isolated',
    [PROBE]: (world) => (world.isLinkUp ? 'recovering' : degraded(world)),
    stop: () => 'stopped',
  },
  'degraded.isolated': {
    'link.up': () => 'recovering',
    'direct.up': () => 'degraded.direct',
    [PROBE]: (world) => (world.isLinkUp ? 'recovering' : degraded(world)),
    stop: () => 'stopped',
  },
  stopped: {},
};

const degraded = ({ isDirectLive }: World): string =>
  isDirectLive ? 'degraded.direct' : 'degraded.isolated';

test('the graph has exactly the transitions of the design', (t) => {
  for (const world of WORLDS) {
    const { machine, options } = graphOf(world);
    for (const { state, transitions } of adjacent(getAdjacencyMap(machine, options))) {
      const from = nameOf(state.value);
      for (const { event, state: to } of Object.values(transitions))
        assert.equal(nameOf(to.value), TABLE[from]?.[event.type]?.(world) ?? from, `${from}, ${event.type}`);
    }
  }
  t.pass();
});

test('the table holds for all events in any order, while link and direct path come and go', (t) => {
  const happening = fc.record({
    event: fc.constantFrom(...EVENTS.filter(({ type }) => type !== 'stop')),
    isLinkUp: fc.boolean(),
    isDirectLive: fc.boolean(),
  });
  return check(
    t,
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (happenings) => {
      const connection = new Connection({ isLinkUp: false, isDirectLive: false });
      let expected = 'recovering';
      let started = 1;
      for (const { event, ...world } of happenings) {
        Object.assign(connection.world, world);
        await connection.happen(event);
        const before = expected;
        expected = TABLE[before]?.[event.type]?.(world) ?? before;
        if (expected === 'recovering' && before !== 'recovering') started += 1;
        assert.equal(connection.name, expected, `${before}, ${event.type}`);
        assert.equal(connection.catchUps.length, started, 'catch-ups that were started');
        // All catch-ups but the last have ended one way or another.
        IN_MODE[modeOf(connection.value)](connection);
      }
      connection.actor.stop();
    }),
  );
});

test('start and reconnect are one path: both begin with a catch-up', async (t) => {
  const connection = new Connection({ isLinkUp: true, isDirectLive: false });
  t.is(connection.name, 'recovering');
  t.is(connection.catchUps.length, 1);
  await connection.happen({ type: CAUGHT_UP });
  await connection.happen({ type: 'link.down', reason: 'Redis is out' });
  t.is(connection.context.reason, 'Redis is out');
  await connection.happen({ type: 'link.up' });
  t.is(connection.name, 'recovering');
  t.is(connection.catchUps.length, 2);
  connection.actor.stop();
});

test('a catch-up that is left is aborted, and its late result changes nothing', async (t) => {
  for (const late of ['succeed', 'fail'] as const) {
    const connection = new Connection({ isLinkUp: false, isDirectLive: false });
    const [first] = connection.catchUps;
    await connection.happen({ type: 'link.down', reason: 'Redis is out' });
    t.true(first!.signal.aborted);
    first![late](new Error('late'));
    await connection.happen({ type: 'direct.down' });
    t.is(connection.name, 'degraded.isolated');
    t.is(connection.context.reason, 'Redis is out');
    t.is(connection.context.failures, 0);
    await connection.happen({ type: 'link.up' });
    first![late](new Error('later'));
    await connection.happen({ type: 'gap', reason: 'not now' });
    t.is(connection.name, 'recovering', 'the second catch-up is under way');
    connection.actor.stop();
  }
});

test('a failed catch-up gives its reason, and is retried after a pause that doubles up to one second', async (t) => {
  const connection = new Connection({ isLinkUp: true, isDirectLive: false }, 'probe as the machine says');
  for (const pauseMs of [100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000]) {
    const { length } = connection.catchUps;
    await connection.happen({ type: FAILED, error: new Error(`failure ${length}`) });
    t.is(connection.name, 'degraded.isolated');
    t.is(connection.context.reason, `failure ${length}`);
    connection.clock.increment(pauseMs - 1);
    t.is(connection.name, 'degraded.isolated', `not before ${pauseMs} ms`);
    connection.clock.increment(1);
    t.is(connection.name, 'recovering', `after ${pauseMs} ms`);
  }
  t.is(connection.context.failures, 10, 'the count stops there');
  await connection.happen({ type: CAUGHT_UP });
  t.is(connection.context.failures, 0, 'and forgotten with the first success');
  connection.actor.stop();
});

test('no catch-up starts while the link is down, and the first probe after it is up starts one', async (t) => {
  const world = { isLinkUp: false, isDirectLive: false };
  const connection = new Connection(world);
  await connection.happen({ type: 'link.down', reason: 'Redis is out' });
  for (let probes = 0; probes < 5; probes += 1) await connection.happen({ type: PROBE });
  t.is(connection.catchUps.length, 1);
  world.isLinkUp = true;
  await connection.happen({ type: PROBE });
  t.is(connection.catchUps.length, 2);
  connection.actor.stop();
});

test('a machine without an implementation of its work becomes degraded, with a reason', async (t) => {
  const actor = createActor(connectionMachine, { clock: new SimulatedClock() }).start();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(actor.getSnapshot().value, { degraded: 'isolated' });
  t.is(actor.getSnapshot().context.reason, 'catchUp has to be provided');
  actor.stop();
});

// ---- the ownership machine ----

const OWNERSHIP_EVENTS: readonly OwnershipEvent[] = [
  { type: 'free' },
  { type: 'held' },
  { type: 'claimed' },
  { type: 'lost' },
  { type: 'fenced' },
  { type: 'released' },
];

const OWNERSHIP_TABLE: Record<Ownership, Partial<Record<OwnershipEvent['type'], Ownership>>> = {
  standby: { free: 'claiming', fenced: 'fenced', released: 'released' },
  claiming: { claimed: 'leading', fenced: 'fenced', released: 'released' },
  leading: { lost: 'claiming', fenced: 'fenced', released: 'released' },
  fenced: {},
  released: {},
};

const ownershipOptions = (standby: boolean) => ({
  input: { standby },
  events: OWNERSHIP_EVENTS,
  stopWhen: isOver,
});

test('an owner begins by claiming, a standby by standing by', (t) => {
  t.is(createActor(ownershipMachine, { input: { standby: false } }).getSnapshot().value, 'claiming');
  t.is(createActor(ownershipMachine, { input: { standby: true } }).getSnapshot().value, 'standby');
});

test('every state of the ownership machine can be reached by a standby, all but standby by an owner', (t) => {
  const reached = (standby: boolean): string[] =>
    [
      ...new Set(
        getShortestPaths(ownershipMachine, ownershipOptions(standby)).map(({ state }) => state.value),
      ),
    ].sort();
  t.deepEqual(reached(true), ['claiming', 'fenced', 'leading', 'released', 'standby']);
  t.deepEqual(reached(false), ['claiming', 'fenced', 'leading', 'released']);
});

for (const standby of [false, true]) {
  test(`along every simple path of ${standby ? 'a standby' : 'an owner'}, the running machine is in the state of its graph`, async (t) => {
    const model = createTestModel(ownershipMachine, ownershipOptions(standby));
    const paths = model.getSimplePaths();
    t.true(paths.length >= 4);
    for (const path of paths) {
      const actor = createActor(ownershipMachine, { input: { standby } }).start();
      let looked = 0;
      const stateOf = (state: { value: unknown }): void => {
        looked += 1;
        assert.equal(actor.getSnapshot().value, state.value, path.description);
      };
      await path.test({
        states: Object.fromEntries(Object.keys(OWNERSHIP_TABLE).map((name) => [name, stateOf])),
        events: Object.fromEntries(
          OWNERSHIP_EVENTS.map(({ type }) => [
            type,
            ({ event }: { event: OwnershipEvent }) => actor.send(event),
          ]),
        ),
      });
      assert.ok(looked >= path.steps.length);
      actor.stop();
    }
    t.pass();
  });
}

/** Only a standby gives way to another owner, and then stands by again. */
const expectedOwnership = (from: Ownership, event: OwnershipEvent['type'], standby: boolean): Ownership =>
  standby && from === 'claiming' && event === 'held' ? 'standby' : (OWNERSHIP_TABLE[from][event] ?? from);

test('the ownership machine has exactly the transitions of the design; fenced and released are final', (t) => {
  for (const standby of [false, true]) {
    for (const { state, transitions } of adjacent(
      getAdjacencyMap(ownershipMachine, ownershipOptions(standby)),
    )) {
      const from = state.value as Ownership;
      const isFinal = from === 'fenced' || from === 'released';
      t.is(state.status, isFinal ? 'done' : 'active', from);
      for (const { event, state: to } of Object.values(transitions))
        t.is<unknown, unknown>(
          to.value,
          expectedOwnership(from, event.type, standby),
          `${from}, ${event.type}`,
        );
    }
  }
});

test('no event brings a fenced or released owner back', (t) => {
  for (const end of ['fenced', 'released'] as const) {
    for (const before of [[], ['claimed'], ['claimed', 'lost'], ['claimed', 'lost', 'claimed']] as const) {
      const actor = createActor(ownershipMachine, { input: { standby: false } }).start();
      for (const type of before) actor.send({ type });
      actor.send({ type: end });
      t.is(actor.getSnapshot().status, 'done');
      for (const event of OWNERSHIP_EVENTS) actor.send(event);
      t.is(actor.getSnapshot().value, end);
    }
  }
});
