/**
 * The store in memory is the model that the simulator stands on. Here it is held against a real Redis server,
 * call by call: for the same random commands every outcome, head, page and message has to be the same, except
 * for times.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { Change } from '../../src/state/change.ts';
import type { KeyName } from '../../src/memory/contents.ts';
import { TYPES } from '../../src/memory/contents.ts';
import type { Line, Position } from '../../src/state/position.ts';
import { ZERO } from '../../src/state/position.ts';
import type { Head, Page, Store } from '../../src/ports/store.ts';
import { systemTime } from '../../src/base/time.ts';
import { check } from '../_check.ts';
import { MemoryRig } from './_memory-rig.ts';
import { RedisRig } from '../_redis-rig.ts';
import { noServer, RedisServer } from '../_redis-server.ts';
import type { Dump, Rig } from './_store-contract.ts';
import { until } from '../_wait.ts';
import { wholeOf } from '../_whole.ts';

/** Past every server's clock, so that epochs do not depend on it. */
const KNOWN = 3_000_000_000_000;
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const OWNERS = ['first/1', 'second/2'] as const;

const key = fc.constantFrom(...KEYS);
const owner = fc.constantFrom(0 as const, 1 as const);
const json: fc.Arbitrary<string> = fc.constantFrom('', '', '1', '"text"', '{"a":[1,2]}');
const changes = fc.uniqueArray(fc.record({ key, json, step: fc.integer({ min: 1, max: 2 }) }), {
  selector: (one) => one.key,
  maxLength: 5,
});
/** Mostly what a correct owner would say, sometimes something else. */
const often = <T>(right: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.constant(right) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      owner,
      known: fc.nat(9),
      expired: fc.boolean(),
      outwaited: often(undefined, Infinity),
      hasLed: fc.boolean(),
      takesOver: often(false, true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      expired: fc.boolean(),
      outwaited: often(undefined, Infinity),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      owner,
      changes,
      prev: often('head', 'one before', 'another epoch', 'nothing'),
      epoch: often(0, -1, 1),
      base: often('claimed', 'nothing'),
      dropped: fc.oneof(
        { weight: 3, arbitrary: fc.constant([]) },
        { weight: 1, arbitrary: fc.uniqueArray(key) },
      ),
      horizon: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(12) }),
      isLight: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('replace-all' as const),
      owner,
      changes,
      epoch: often(0, -1, 1),
      horizon: fc.nat(3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      owner,
      changes,
      prev: often('head', 'one before', 'nothing'),
      epoch: often(0, -1, 1),
      horizon: fc.nat(3),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle' as const), owner, epoch: often(0, -1, 1) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('since' as const),
      from: fc.constantFrom('nothing', 'a head', 'a head', 'the past', 'a stranger'),
      back: fc.nat(6),
      limit: fc.nat(5),
      horizon: fc.oneof(fc.constant(0), fc.nat(12)),
      // The epoch that a reader has seen, or one that a wrong reader claims to have seen.
      seen: often(0, 1, KNOWN - 1, KNOWN + 20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), owner, epoch: often(0, -1, 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hdel' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('zrem' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('hset' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wipe' as const) }) },
  {
    weight: 1,
    arbitrary: fc
      .record({
        do: fc.constant('retype' as const),
        name: fc.constantFrom(...(Object.keys(TYPES) as KeyName[])),
        type: fc.constantFrom('list' as const, 'set' as const, 'stream' as const),
      })
      .filter(({ name, type }) => type !== TYPES[name]),
  },
);
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

/** A backend with its ear at the space. */
class Side {
  readonly rig: Rig;
  readonly store: Store;
  readonly messages: string[] = [];
  readonly deliver = (message: string): void => void this.messages.push(message);

  constructor(rig: Rig, store: Store) {
    this.rig = rig;
    this.store = store;
  }
}

/** What an owner knows. It says the same to both sides. */
interface Owner {
  line: Line;
  head: Position;
}

/** The fence of a removal is the server's time where no claim could be read. */
const timeless = ({ leaseMs, removedAt, fence, ...head }: Head): unknown => ({
  ...head,
  fence: fence > 0 && fence < KNOWN ? 1 : fence,
  now: 0,
  isLeased: leaseMs > 0,
  isRemoved: removedAt > 0,
});

function seen(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null) return answer;
  const { head, ...rest } = answer as Partial<Page>;
  return { ...rest, head: head && timeless(head) };
}

/** Without its first line, the time, and without the id of a turn's attempt. */
const timelessMessage = (message: string): string =>
  message
    .slice(message.indexOf('\n'))
    .replace(/(^\n3 part \d+ \S+ | p=)[^ .]+/, '$1attempt')
    .replace(/^\n3 removed 1\d{12}$/, '\n3 removed now');
const held = ({ state, index, lease }: Dump): unknown => ({ state, index, lease });

/** Runs commands on both sides, and compares every answer. */
async function agree(
  space: string,
  commands: readonly Command[],
  sides: readonly [Side, Side],
  count: (what: string) => void,
): Promise<void> {
  const owners: [Owner, Owner] = [
    { line: { epoch: 0, base: ZERO }, head: ZERO },
    { line: { epoch: 0, base: ZERO }, head: ZERO },
  ];
  const heads: Position[] = [ZERO];
  let cuts = 0;

  const both = async <R>(what: string, ask: (side: Side) => Promise<R>): Promise<R> => {
    const [model, real] = await Promise.all(sides.map(ask));
    assert.deepEqual(seen(model), seen(real), `${what}: "expected" is the answer of Redis`);
    count(`${what}: ${(model as { outcome?: string } | undefined)?.outcome ?? 'done'}`);
    return model!;
  };
  const laidOut = (list: readonly { key: string; json: string; step: number }[], after: number): Change[] => {
    let revision = after;
    return list.map(({ key, json, step }) => ({ key, json, revision: (revision += step) }));
  };

  const run = async (one: Command): Promise<void> => {
    if (one.do === 'claim') {
      if (one.expired) await both('expire', ({ rig }) => rig.expire(space));
      const id = OWNERS[one.owner];
      const { outwaited, hasLed, takesOver } = one;
      const known = KNOWN + one.known;
      const asked = { known, leaseMs: 60_000, outwaited, hasLed, takesOver };
      const claim = { owner: id, ownerName: `name of ${id}`, ...asked };
      const { outcome, head } = await both('claim', ({ store }) => store.claim(space, claim));
      const base = { epoch: head.epoch, revision: head.revision };
      if (outcome === 'claimed') owners[one.owner] = { line: { epoch: head.fence, base }, head: base };
    } else if (one.do === 'commit' || one.do === 'replace-all' || one.do === 'turn') {
      const { line, head } = owners[one.owner];
      const epoch = Math.max(0, line.epoch + one.epoch);
      const common = {
        owner: OWNERS[one.owner],
        leaseMs: 60_000,
        epoch,
        horizon: one.horizon,
        cutAt: (cuts += 1),
      };
      let prev = head;
      if (one.do !== 'replace-all') {
        if (one.prev === 'one before') prev = { ...head, revision: Math.max(0, head.revision - 1) };
        if (one.prev === 'another epoch') prev = { ...head, epoch: head.epoch + 1 };
        if (one.prev === 'nothing') prev = ZERO;
      }
      const laid = laidOut(one.changes, prev.revision);
      const revision = laid.at(-1)?.revision ?? prev.revision;
      const base = one.do === 'commit' && one.base === 'nothing' ? ZERO : line.base;
      const at = 1_000_000_000_000 + cuts;
      const times = laid.length === 0 ? '' : `${prev.revision}@${at},${revision - prev.revision}`;
      const hasAll = one.do === 'replace-all' || cuts % 4 === 0;
      const all = hasAll ? { allTimes: `0@${at},${revision}` } : {};
      const cut = { ...common, base, revision, changes: laid, times, ...all };
      const { changes: staged, ...header } = cut;
      const turn = { ...header, prev, changes: staged, digest: () => 7 };
      const reply = await (one.do === 'turn'
        ? both('turn', ({ store }) => store.commitTurn(space, turn))
        : one.do === 'commit'
          ? both(one.isLight ? 'light commit' : 'commit', ({ store }) =>
              store.commit(space, { ...cut, prev, dropped: one.dropped, isLight: one.isLight }),
            )
          : both('replace-all', ({ store }) => store.replaceAll(space, { ...cut, whole: wholeOf(laid) })));
      if (reply.outcome === 'fenced') return;
      // Where the head has moved, it continues from the head that it is told, as an owner does.
      const { epoch: there, revision: upTo } = reply.head ?? cut;
      owners[one.owner].head = { epoch: there, revision: upTo };
      heads.push(owners[one.owner].head);
    } else if (one.do === 'since') {
      let position = ZERO;
      if (one.from === 'a head') position = heads.at(-1 - (one.back % heads.length))!;
      if (one.from === 'the past') {
        const { epoch, revision } = heads.at(-1)!;
        position = { epoch, revision: Math.max(0, revision - one.back) };
      }
      if (one.from === 'a stranger') position = { epoch: 7 + one.back, revision: one.back };
      const { full } = await both('since', ({ store }) =>
        store.since(space, position, one.limit, { horizon: one.horizon, seen: one.seen, withTimes: true }),
      );
      count(`since: ${full ? 'full' : 'not full'}`);
    } else if (one.do === 'release') {
      const { line, head } = owners[one.owner];
      const { revision } = head;
      const epoch = Math.max(0, line.epoch + one.epoch);
      const farewell = {
        ...line,
        epoch,
        prev: revision,
        revision,
        cutAt: (cuts += 1),
        leaseMs: 0,
        bye: true,
      };
      await both('release', ({ store }) => store.release(space, OWNERS[one.owner], farewell.epoch, farewell));
    } else if (one.do === 'remove') {
      if (one.expired) await both('expire', ({ rig }) => rig.expire(space));
      await both('remove', ({ store }) => store.remove(space, one.outwaited));
    } else if (one.do === 'settle') {
      const epoch = Math.max(0, owners[one.owner].line.epoch + one.epoch);
      await both('settle', ({ store }) => store.settle(space, OWNERS[one.owner], epoch, 60_000));
    } else if (one.do === 'hset') await both('hset', ({ rig }) => rig.hset(space, one.key, '0'));
    else if (one.do === 'hdel') await both('hdel', ({ rig }) => rig.hdel(space, one.key));
    else if (one.do === 'retype') await both('retype', ({ rig }) => rig.retype(space, one.name, one.type));
    else if (one.do === 'zrem') await both('zrem', ({ rig }) => rig.zrem(space, one.key));
    else await both(one.do, ({ rig }) => rig[one.do](space));
  };

  for (const one of commands) {
    await run(one);
    await both('head', ({ store }) => store.since(space, ZERO, 0));
    await both('the content', async ({ rig }) => held(await rig.dump(space)));
  }
  // Messages come in order: once the last one is heard, all others have been.
  await run({ do: 'wipe' });
  await run({
    do: 'claim',
    owner: 0,
    known: 0,
    expired: false,
    outwaited: undefined,
    hasLed: false,
    takesOver: false,
  });
  owners[0].head = ZERO;
  await run({
    do: 'commit',
    owner: 0,
    changes: [{ key: 'a', json: '"last"', step: 1 }],
    prev: 'head',
    epoch: 0,
    base: 'nothing',
    dropped: [],
    horizon: 0,
    isLight: false,
  });
  const heard = sides.map(
    ({ messages }) =>
      () =>
        messages.at(-1)?.endsWith('"last"') === true,
  );
  await until(() => heard.every((isLast) => isLast()), 'the last message on both sides');
  assert.deepEqual(sides[0].messages.map(timelessMessage), sides[1].messages.map(timelessMessage));
}

if (noServer === undefined) {
  test('the model and a real Redis agree in every outcome, head, page and message', async (t) => {
    const server = await RedisServer.start();
    const rigs = [new MemoryRig(systemTime), new RedisRig(server.url, () => server.stop())] as const;
    const counts = new Map<string, number>();
    const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
    try {
      const stores = await Promise.all(rigs.map((rig) => rig.open()));
      let runs = 0;
      await check(
        t,
        fc.asyncProperty(fc.array(command, { maxLength: 40, size: 'max' }), async (commands) => {
          const space = `run-${(runs += 1)}`;
          const sides = [new Side(rigs[0], stores[0]!), new Side(rigs[1], stores[1]!)] as const;
          await Promise.all(sides.map(({ store, deliver }) => store.subscribe(space, deliver)));
          try {
            await agree(space, commands, sides, count);
          } finally {
            await Promise.all(sides.map(({ store, deliver }) => store.unsubscribe(space, deliver)));
            await Promise.all(sides.map(({ rig }) => rig.wipe(space)));
          }
        }),
        { numRuns: 500 },
      );
    } finally {
      await Promise.all(rigs.map((rig) => rig.close()));
    }
    // To agree in refusals alone would prove little.
    const reached = [
      'claim: claimed',
      'claim: held',
      'since: full',
      'since: not full',
      'replace-all: committed',
      'replace-all: fenced',
      'settle: settled',
      ...['removed', 'held', 'absent'].map((outcome) => `remove: ${outcome}`),
      ...['committed', 'fenced', 'head_moved'].map((outcome) => `turn: ${outcome}`),
      ...['committed', 'fenced', 'head_moved', 'keys_lost'].map((outcome) => `commit: ${outcome}`),
      ...['committed', 'fenced', 'head_moved', 'keys_lost'].map((outcome) => `light commit: ${outcome}`),
    ];
    for (const what of reached)
      t.true((counts.get(what) ?? 0) >= 20, `${what} came ${counts.get(what) ?? 0} times`);
    t.log(reached.map((what) => `${what} ${counts.get(what)}`).join(', '));
  });
} else {
  test.skip(`the model is not held against a real Redis, since there is ${noServer}`, () => {});
}
