/**
 * The contract of every store (`src/ports/store.ts`), as tests. `store-contract.test.ts` runs it on each
 * backend.
 *
 * The tests of a backend share its server and run at the same time, each in a space of its own.
 */
import assert from 'node:assert/strict';
import type { ExecutionContext, SerialFn, TestFn } from 'ava';
import type { Change } from '../../src/state/change.ts';
import type { Frame } from '../../src/state/frame.ts';
import type { Header } from '../../src/state/header.ts';
import { decodeFence } from '../_messages.ts';
import { decodeFrame, decodeMessage } from '../../src/state/message.ts';
import type { KeyName } from '../../src/memory/contents.ts';
import { TYPES } from '../../src/memory/contents.ts';
import type { Line, Position } from '../../src/state/position.ts';
import { ZERO } from '../../src/state/position.ts';
import type {
  Claim,
  Committed,
  Cut,
  Head,
  Outcome,
  Page,
  Replacement,
  Store,
} from '../../src/ports/store.ts';
import { until } from '../_wait.ts';
import { wholeOf } from '../_whole.ts';

/** Everything that a server keeps of a space, except how long its lease still holds. */
export interface Dump {
  readonly meta: Record<string, unknown>;
  readonly state: Record<string, string>;
  readonly index: Record<string, number>;
  /** Owner and epoch, or `null`. */
  readonly lease: string | null;
}

/** Types that somebody may put at any key. A lease is a string itself, and takes another. */
export type ForeignType = 'string' | 'list' | 'set' | 'stream';

/** A server of one kind, stores of it, and ways to look and to change things behind their back. */
export interface Rig {
  /** Another process's store, its links up. */
  open(): Promise<Store>;
  dump(space: string): Promise<Dump>;
  /** Reads one value, as `redis-cli HGET` does. */
  hget(space: string, key: string): Promise<string | null>;
  /** By hand, and nobody is told: sets a value, deletes one, takes a key out of the index. */
  hset(space: string, key: string, json: string): Promise<void>;
  hdel(space: string, key: string): Promise<void>;
  zrem(space: string, key: string): Promise<void>;
  /** By hand: says that the head is of another epoch. */
  setEpoch(space: string, epoch: number): Promise<void>;
  /** By hand: puts another type at a key. */
  retype(space: string, name: KeyName, type: ForeignType): Promise<void>;
  /** By hand: writes `<owner id> <epoch> <length asked for>` as the lease; `Infinity` for no expiry. */
  setLease(space: string, lease: string, forMs: number): Promise<void>;
  /** Ends the lease, as if its time had run out. */
  expire(space: string): Promise<void>;
  /** Loses everything of a space. */
  wipe(space: string): Promise<void>;
  /** Whether a whole state is being staged beside the live one. */
  isStaging(space: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface Backend {
  readonly name: string;
  readonly start: () => Promise<Rig>;
  /** Whether it can announce. Default true. */
  readonly announces?: boolean;
}

export type Changes = Readonly<Record<string, string>>;

/** The answer to a full commit: it has the head, whatever the outcome. */
function whole({ outcome, head }: Committed): {
  readonly outcome: Committed['outcome'];
  readonly head: Head;
} {
  assert.ok(head, `${outcome}, with no head`);
  return { outcome, head };
}

/** A small owner: it claims, and commits on top of the head that it knows. An empty value is a delete. */
export class Writer {
  readonly store: Store;
  readonly space: string;
  readonly owner: string;
  line: Line = { epoch: 0, base: ZERO };
  head: Position = ZERO;

  constructor(store: Store, space: string, owner = 'first/1') {
    this.store = store;
    this.space = space;
    this.owner = owner;
  }

  async claim(over: Partial<Claim> = {}): Promise<Outcome<'claimed', 'held' | 'late'>> {
    const { owner } = this;
    const claim = { owner, ownerName: `name of ${owner}`, known: 0, leaseMs: 60_000, ...over };
    const reply = await this.store.claim(this.space, claim);
    if (reply.outcome === 'claimed') {
      this.head = { epoch: reply.head.epoch, revision: reply.head.revision };
      this.line = { epoch: reply.head.fence, base: this.head };
    }
    return reply;
  }

  cut(changes: Changes = {}, over: Partial<Cut> = {}): Cut {
    const after = over.prev?.revision ?? this.head.revision;
    const inOrder = Object.entries(changes).map(([key, json], at) => ({
      key,
      json,
      revision: after + 1 + at,
    }));
    return {
      ...this.line,
      owner: this.owner,
      leaseMs: 60_000,
      prev: this.head,
      revision: after + inOrder.length,
      horizon: 0,
      cutAt: 1_764_000_000_000.125,
      changes: inOrder,
      dropped: [],
      ...over,
    };
  }

  async commit(changes: Changes = {}, over: Partial<Cut> = {}) {
    return this.#note(whole(await this.store.commit(this.space, this.cut(changes, over))));
  }

  /** A whole state at the next revisions. */
  replacement(changes: Changes = {}, over: Partial<Cut> = {}): Replacement {
    const { prev: _, dropped: __, changes: inOrder, ...head } = this.cut(changes, over);
    return { ...head, whole: wholeOf(inOrder) };
  }

  /** Replaces the whole state, at the next revisions. */
  async replaceAll(changes: Changes = {}, over: Partial<Cut> = {}) {
    return this.#note(await this.store.replaceAll(this.space, this.replacement(changes, over)));
  }

  async release(): Promise<void> {
    const { revision } = this.head;
    const farewell: Header = { ...this.line, prev: revision, revision, cutAt: 5, leaseMs: 0, bye: true };
    await this.store.release(this.space, this.owner, farewell.epoch, farewell);
  }

  #note<R extends { readonly outcome: string; readonly head: Head }>(reply: R): R {
    if (reply.outcome === 'committed') this.head = { epoch: reply.head.epoch, revision: reply.head.revision };
    return reply;
  }
}

/** Reads all pages since a position, and checks each of them. */
export async function readAll(
  store: Store,
  space: string,
  from: Position,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<{ pages: Page[]; changes: Change[]; full: boolean }> {
  const pages: Page[] = [];
  let changes: Change[] = [];
  let position = from;
  let horizon = 0;
  let full = false;
  let page: Page;
  do {
    page = await store.since(space, position, limit, { horizon });
    assert.ok(page.changes.length <= limit, 'a page is within its limit');
    assert.ok(!page.more || page.changes.length > 0, 'a page that is followed by others gets on');
    if (page.full) {
      full = true;
      changes = [];
      horizon = page.head.horizon;
    }
    let before = page.full ? 0 : position.revision;
    for (const { revision } of page.changes) {
      assert.ok(revision > before, 'changes come in order of revision, each once');
      before = revision;
    }
    changes.push(...page.changes);
    pages.push(page);
    position = { epoch: page.head.epoch, revision: changes.at(-1)?.revision ?? position.revision };
    if (page.more) await between();
  } while (page.more);
  return { pages, changes, full };
}

export const texts = (changes: readonly Change[]): Changes =>
  Object.fromEntries(changes.filter(({ json }) => json !== '').map(({ key, json }) => [key, json]));

const numbered = (count: number, json = '1', name = 'key'): Changes =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}/${at}`, json]));

/** Collects what is published. */
export class Ear {
  readonly messages: string[] = [];
  /** The fences of claims, apart from the frames. */
  readonly fences: number[] = [];
  readonly deliver = (message: string): void => {
    const fence = decodeFence(message);
    if (fence === undefined) this.messages.push(message);
    else this.fences.push(fence);
  };

  get frames(): Frame[] {
    return this.messages.map((message) => decodeFrame(message));
  }

  async hears(count: number): Promise<Frame[]> {
    await until(
      () => this.messages.length >= count,
      `${count} messages, of which came ${this.messages.length}`,
    );
    return this.frames;
  }
}

export interface Stage {
  readonly rig: Rig;
  readonly space: string;
  readonly store: Store;
  /** Another process's. */
  readonly other: Store;
  readonly writer: Writer;
  /** An owner in another process, which has not claimed. */
  readonly rival: Writer;
}

/** Adds a test of the contract. */
export type Contract = (title: string, run: (t: ExecutionContext, stage: Stage) => Promise<unknown>) => void;

/**
 * Asks with the expiry that a head shows, until the outcome is as wanted. On js-redis-server the clock goes on while
 * a script runs, so two looks at one expiry may differ by some ms, and one answer may be another one.
 */
async function onceOutwaited(
  { now, leaseMs }: Head,
  wanted: string,
  ask: (outwaited: number) => Promise<{ readonly outcome: string; readonly head: Head }>,
): Promise<void> {
  let seen = now + leaseMs;
  await until(async () => {
    const { outcome, head } = await ask(seen);
    seen = head.now + head.leaseMs;
    return outcome === wanted;
  }, `${wanted}, by who has outwaited the lease`);
}

/** @param chapter more of the contract */
export function storeContract(
  test: TestFn | SerialFn,
  { name, start, announces = true }: Backend,
  chapter: (contract: Contract) => void,
): void {
  let rig: Rig;
  let store: Store;
  let other: Store;
  let spaces = 0;

  test.before(`${name}: the server starts`, async () => {
    rig = await start();
    [store, other] = await Promise.all([rig.open(), rig.open()]);
  });
  test.after.always(`${name}: the server stops`, () => rig?.close());

  const setTheStage = (): Stage => {
    const space = `space-${(spaces += 1)}`;
    const writer = new Writer(store, space);
    return { rig, space, store, other, writer, rival: new Writer(other, space, 'second/2') };
  };

  const contract = (title: string, run: (t: ExecutionContext, stage: Stage) => Promise<unknown>): void =>
    test(`${name}: ${title}`, async (t) => void (await run(t, setTheStage())));
  contract.failing = (title: string, run: (t: ExecutionContext, stage: Stage) => Promise<unknown>): void =>
    test(`${name}: ${title}`, async (t) => void (await run(t, setTheStage())));

  /** Runs a call that has to be refused. It may have changed nothing and published nothing. */
  const refused = async <O extends string>(
    t: ExecutionContext,
    { rig, space, other }: Stage,
    outcome: O,
    run: () => Promise<{ outcome: string; head: Head }>,
  ): Promise<Head> => {
    const ear = new Ear();
    await other.subscribe(space, ear.deliver);
    const before = await rig.dump(space);
    const reply = await run();
    t.is<string, string>(reply.outcome, outcome);
    t.deepEqual(await rig.dump(space), before, `${outcome}, and something changed`);
    // Messages come in order: once the marker is heard, nothing that was published before it can still come.
    const marker = new Ear();
    await other.subscribe(`${space}-marker`, marker.deliver);
    const after = new Writer(store, `${space}-marker`);
    await after.claim();
    await after.commit();
    await marker.hears(1);
    t.deepEqual(ear.messages, [], `${outcome}, and something was published`);
    await other.unsubscribe(space, ear.deliver);
    await other.unsubscribe(`${space}-marker`, marker.deliver);
    return reply.head;
  };

  // ---- claim ----

  contract('a new space can be claimed, and is empty', async (t, { writer }) => {
    const { outcome, head } = await writer.claim();
    t.is(outcome, 'claimed');
    const { now, fence, leaseMs, ...rest } = head;
    t.deepEqual(rest, {
      epoch: 0,
      revision: 0,
      base: ZERO,
      size: 0,
      horizon: 0,
      cutAt: 0,
      owner: 'first/1',
      ownerName: 'name of first/1',
      keysLost: false,
      leaseAskedMs: 60_000,
      wrongTypes: [],
      doubtedAt: 0,
      unsettled: 0,
      removedAt: 0,
    });
    t.true(now > 1_700_000_000_000, 'the server tells its time in milliseconds since 1970');
    t.is(fence, Math.floor(now), 'and is the first epoch');
    t.true(leaseMs > 50_000 && leaseMs <= 60_000);
  });

  contract(
    'a doubt is noted with the time of the server, and only where somebody has claimed',
    async (t, world) => {
      const { store, writer, space } = world;
      t.is((await store.since(space, ZERO, 0, { isDoubted: true })).head.doubtedAt, 0);
      await writer.claim();
      const { head } = await store.since(space, ZERO, 0, { isDoubted: true });
      t.is(head.doubtedAt, Math.floor(head.now));
      t.is((await store.since(space, ZERO, 0)).head.doubtedAt, head.doubtedAt);
    },
  );

  contract('each claim has a higher epoch than all before', async (t, { writer, rival, rig, space }) => {
    let before = 0;
    for (const claimer of [writer, writer, rival, writer, writer]) {
      await rig.expire(space);
      const { outcome, head } = await claimer.claim();
      t.is(outcome, 'claimed');
      t.true(head.fence > before);
      before = head.fence;
    }
  });

  contract(
    'an epoch is higher than the highest that the claimer knew, also after everything was lost',
    async (t, { writer, rig, space }) => {
      const known = 4_000_000_000_000_123;
      t.is((await writer.claim({ known })).head.fence, known + 1);
      t.is((await writer.claim({ known: 5 })).head.fence, known + 2);
      await rig.wipe(space);
      t.is((await writer.claim({ known: known + 10 })).head.fence, known + 11);
    },
  );

  contract('while another owner has the lease, a claim is held off and changes nothing', async (t, stage) => {
    const { writer, rival } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    const head = await refused(t, stage, 'held', () => rival.claim());
    t.is(head.ownerName, 'name of first/1');
    t.is(head.fence, writer.line.epoch);
    t.true(head.leaseMs > 50_000);
    t.is((await writer.commit({ a: '2' })).outcome, 'committed', 'the owner notices nothing');
  });

  contract('a claim that comes after its time is not granted, and changes nothing', async (t, stage) => {
    const { writer, rival } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    await writer.release();
    const { now } = (await stage.writer.store.since(stage.space, ZERO, 0)).head;
    await refused(t, stage, 'late', () => rival.claim({ notAfter: now - 1 }));
    t.is((await rival.claim({ notAfter: now + 60_000 })).outcome, 'claimed');
  });

  contract(
    'a lease that an older Redis brings back stops nobody who has seen a later ownership',
    async (t, stage) => {
      const { writer, rival } = stage;
      await writer.claim();
      const { epoch } = writer.line;
      await refused(t, stage, 'held', () => rival.claim({ known: epoch }));
      const { outcome, head } = await rival.claim({ known: epoch + 1 });
      t.is(outcome, 'claimed');
      t.true(head.fence > epoch + 1);
      await refused(t, stage, 'fenced', () => writer.commit({ a: '1' }));
    },
  );

  contract('a head says for how long its lease was asked', async (t, { writer, store, space, rig }) => {
    t.is((await writer.claim({ leaseMs: 4_000 })).head.leaseAskedMs, 4_000);
    t.is((await writer.commit({}, { leaseMs: 5_000 })).head.leaseAskedMs, 5_000);
    t.is((await store.since(space, ZERO, 0)).head.leaseAskedMs, 5_000);
    await writer.replaceAll({}, { leaseMs: 6_000 });
    t.is((await store.since(space, ZERO, 0)).head.leaseAskedMs, 6_000);
    await store.renew(space, writer.owner, writer.line.epoch, 7_000);
    t.is((await store.since(space, ZERO, 0)).head.leaseAskedMs, 7_000);
    await rig.expire(space);
    t.is((await store.since(space, ZERO, 0)).head.leaseAskedMs, 0);
  });

  for (const forMs of [3_600_000, Infinity]) {
    contract(
      `a lease that runs for ${forMs} ms is taken by whoever has watched it to its end, and by nobody else`,
      async (t, stage) => {
        const { writer, rival, rig, space } = stage;
        await writer.claim({ leaseMs: 3_000 });
        await rig.setLease(space, `${writer.owner} ${writer.line.epoch} 3000`, forMs);
        const head = await refused(t, stage, 'held', () => rival.claim());
        t.true(forMs === Infinity ? head.leaseMs === Infinity : head.leaseMs > 3_000_000);
        t.is(head.leaseAskedMs, 3_000);
        const outwaited = head.now + head.leaseMs;
        for (const other of [outwaited - 1_000, outwaited + 1_000, Infinity].filter(
          (one) => one !== outwaited,
        ))
          await refused(t, stage, 'held', () => rival.claim({ outwaited: other }));
        await onceOutwaited(head, 'claimed', (seen) => rival.claim({ outwaited: seen }));
      },
    );
  }

  contract(
    'a lease that was renewed is not over, whatever somebody has watched before',
    async (t, { writer, rival }) => {
      await writer.claim({ leaseMs: 60_000 });
      const { head } = await rival.claim();
      await writer.commit({}, { leaseMs: 90_000 });
      t.is((await rival.claim({ outwaited: head.now + head.leaseMs })).outcome, 'held');
    },
  );

  contract('a lease runs out by itself, and not before its time', async (t, { writer, rival }) => {
    const first = await writer.claim({ leaseMs: 80 });
    let second = await rival.claim();
    await until(async () => {
      if (second.outcome === 'held') t.true(second.head.leaseMs > 0 && second.head.leaseMs <= 80);
      else return true;
      second = await rival.claim();
      return false;
    }, 'the lease to run out');
    t.true(second.head.now - first.head.now >= 79, `after ${second.head.now - first.head.now} ms`);
    t.true(second.head.fence > first.head.fence);
  });

  contract('a commit renews the lease for as long as it says', async (t, { writer }) => {
    const claimed = await writer.claim({ leaseMs: 200 });
    t.true(claimed.head.leaseMs <= 200);
    const { head } = await writer.commit({}, { leaseMs: 90_000 });
    t.true(head.leaseMs > 60_000 && head.leaseMs <= 90_000);
  });

  contract(
    'where nobody else has claimed, an owner renews its lease after it ran out',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      await rig.expire(space);
      t.is((await writer.store.since(space, ZERO, 0)).head.leaseMs, 0);
      const { outcome, head } = await writer.commit({ a: '1' });
      t.is(outcome, 'committed');
      t.true(head.leaseMs > 50_000);
    },
  );

  contract(
    'a claim moves the fence and nothing else: the first commit moves the head',
    async (t, { writer, rival, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1', b: '2' });
      await rig.expire(space);
      const before = await rig.dump(space);
      const { head } = await rival.claim();
      t.is(head.epoch, writer.line.epoch);
      t.is(head.revision, 2);
      t.true(head.fence > head.epoch);
      const after = await rig.dump(space);
      t.deepEqual([after.state, after.index], [before.state, before.index]);
      const committed = await rival.commit({ a: '3' });
      t.is(committed.head.epoch, head.fence);
      t.deepEqual(committed.head.base, { epoch: writer.line.epoch, revision: 2 });
    },
  );

  contract('of several owners that claim at once, one gets the space', async (t, { rig, space }) => {
    const stores = await Promise.all([rig.open(), rig.open(), rig.open()]);
    const replies = await Promise.all(stores.map((one, at) => new Writer(one, space, `owner/${at}`).claim()));
    t.deepEqual(replies.map(({ outcome }) => outcome).sort(), ['claimed', 'held', 'held']);
    t.is(new Set(replies.map(({ head }) => head.fence)).size, 1, 'all see the same fence');
    t.is(new Set(replies.map(({ head }) => head.ownerName)).size, 1);
  });

  contract(
    "an owner whose id is a prefix of the holder's is another owner",
    async (t, { store, other, space }) => {
      await new Writer(store, space, 'owner/12').claim();
      for (const id of ['owner/1', 'owner', '']) {
        const { outcome } = await new Writer(other, space, id).claim();
        t.is(outcome, 'held', id);
      }
    },
  );

  // ---- commit ----

  contract(
    'after a commit each value is there, as plain JSON under its key',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      const { outcome, head } = await writer.commit({
        market_regime: '{"regime":"bull","confidence":0.92}',
        'strategy/a': '""',
      });
      t.is(outcome, 'committed');
      t.is(await rig.hget(space, 'market_regime'), '{"regime":"bull","confidence":0.92}');
      t.is(await rig.hget(space, 'strategy/a'), '""');
      t.is(await rig.hget(space, 'strategy/b'), null);
      const { now: _, leaseMs: __, ...rest } = head;
      t.deepEqual(rest, {
        fence: writer.line.epoch,
        epoch: writer.line.epoch,
        revision: 2,
        base: ZERO,
        size: 2,
        horizon: 0,
        cutAt: 1_764_000_000_000.125,
        owner: 'first/1',
        ownerName: 'name of first/1',
        keysLost: false,
        leaseAskedMs: 60_000,
        wrongTypes: [],
        doubtedAt: 0,
        unsettled: 0,
        removedAt: 0,
      });
    },
  );

  contract('a delete leaves a tombstone in the index', async (t, { writer, rig, space }) => {
    await writer.claim();
    await writer.commit({ a: '1', b: '2' });
    const { head } = await writer.commit({ a: '' });
    t.is(head.size, 1);
    const { state, index } = await rig.dump(space);
    t.deepEqual(state, { b: '2' });
    t.deepEqual(index, { a: 3, b: 2 });
    await writer.commit({ a: '4' });
    t.deepEqual((await rig.dump(space)).index, { a: 4, b: 2 });
  });

  contract(
    'keys and values come back as they went in, whatever text they are',
    async (t, { writer, store, space }) => {
      const values: Changes = {
        'strategy/€/😀': '"ünïcödé 😀 \u2028"',
        __proto__x: '{"__proto__":1}',
        'a key with spaces': '" "',
        '%s {} "quoted" \\n': '"\\n\\u0000\\\\"',
        number: '12345678901234567890.000000000000000001',
        'looks/like/a/number/1e5': 'null',
        nil: 'false',
      };
      await writer.claim();
      await writer.commit(values);
      const { changes } = await store.since(space, ZERO, 100);
      t.deepEqual(texts(changes), values);
    },
  );

  contract(
    'a value of a megabyte and a commit of 5,000 changes go through',
    async (t, { writer, store, other, space }) => {
      const large = `"${'x'.repeat(1024 * 1024 - 2)}"`;
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      await writer.claim();
      t.is((await writer.commit({ large })).outcome, 'committed');
      const many = numbered(5_000);
      t.is((await writer.commit(many)).outcome, 'committed');
      const [first, second] = await ear.hears(2);
      t.is(first?.changes[0]?.json, large);
      t.deepEqual(texts(second?.changes ?? []), many);
      const { changes } = await readAll(store, space, ZERO, 1_000);
      t.deepEqual(texts(changes), { large, ...many });
    },
  );

  contract('revisions and epochs beyond 32 bits keep every digit', async (t, { writer, store, space }) => {
    const revision = 9_007_199_254_740_000;
    await writer.claim({ known: 9_007_199_254_740_000 });
    const changes = [
      { key: 'a', revision: revision - 1, json: '1' },
      { key: 'b', revision, json: '2' },
    ];
    const { head } = await writer.commit({}, { revision, changes });
    t.is(head.revision, revision);
    t.is(head.epoch, 9_007_199_254_740_001);
    const page = await store.since(space, { epoch: head.epoch, revision: revision - 1 }, 10);
    t.deepEqual(page.changes, [{ key: 'b', revision, json: '2' }]);
  });

  contract(
    'a heartbeat changes nothing but the lease and the time of the cut, and is published',
    async (t, { writer, other, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      const before = await rig.dump(space);
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      const { outcome, head } = await writer.commit({}, { cutAt: 1_764_000_000_999, leaseMs: 90_000 });
      t.is(outcome, 'committed');
      t.is(head.cutAt, 1_764_000_000_999);
      t.true(head.leaseMs > 60_000);
      const after = await rig.dump(space);
      t.deepEqual({ ...after, meta: null }, { ...before, meta: null });
      const [frame] = await ear.hears(1);
      t.like(frame, {
        prev: 1,
        revision: 1,
        changes: [],
        bye: false,
        leaseMs: 90_000,
        cutAt: 1_764_000_000_999,
      });
    },
  );

  contract(
    'an owner that was fenced can neither commit nor replace the state, however long its lease was',
    async (t, stage) => {
      const { writer, rival, rig, space } = stage;
      await writer.claim({ leaseMs: 3_600_000 });
      await writer.commit({ a: '1' });
      await rig.expire(space);
      await rival.claim();
      for (const run of [
        () => writer.commit({ a: '2' }),
        () => writer.commit(),
        () => writer.replaceAll({ a: '2' }),
        () => writer.replaceAll(),
      ]) {
        const head = await refused(t, stage, 'fenced', run);
        t.is(head.ownerName, 'name of second/2');
        t.is(head.fence, rival.line.epoch);
      }
      // Also after the rival's lease ran out: an epoch fences for good.
      await rig.expire(space);
      await refused(t, stage, 'fenced', () => writer.commit({ a: '3' }));
      await refused(t, stage, 'fenced', () => writer.replaceAll({ a: '3' }));
      t.is((await rival.commit({ b: '1' })).outcome, 'committed');
    },
  );

  contract(
    'after an owner has claimed again, a commit under its old epoch finds the head moved, and is not fenced',
    async (t, stage) => {
      const { writer } = stage;
      await writer.claim();
      const { line } = writer;
      await writer.claim();
      await refused(t, stage, 'head_moved', () => writer.commit({ a: '1' }, line));
      t.is((await writer.commit({ a: '1' })).outcome, 'committed');
    },
  );

  contract('a commit on top of another head finds the head moved, and is told the head', async (t, stage) => {
    const { writer } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    const { epoch } = writer.line;
    for (const prev of [
      { epoch, revision: 0 },
      { epoch, revision: 2 },
      { epoch: epoch - 1, revision: 1 },
      { epoch: epoch + 1, revision: 1 },
      ZERO,
    ]) {
      const head = await refused(t, stage, 'head_moved', () => writer.commit({ a: '2' }, { prev }));
      t.is(head.epoch, epoch);
      t.is(head.revision, 1);
    }
  });

  contract(
    'a commit that is sent again after its reply was lost is told the head that it made',
    async (t, stage) => {
      const { writer, store, space } = stage;
      await writer.claim();
      const cut = writer.cut({ a: '1' });
      t.is((await store.commit(space, cut)).outcome, 'committed');
      const head = await refused(t, stage, 'head_moved', async () => whole(await store.commit(space, cut)));
      t.is(head.epoch, cut.epoch);
      t.is(head.revision, cut.revision);
    },
  );

  contract(
    'of two commits on top of one head, one is carried out',
    async (t, { writer, other, space, rig }) => {
      await writer.claim();
      const [a, b] = await Promise.all([
        writer.store.commit(space, writer.cut({ a: '1', b: '1' })),
        other.commit(space, writer.cut({ a: '2', b: '2', c: '2' })),
      ]);
      t.deepEqual([a.outcome, b.outcome].sort(), ['committed', 'head_moved']);
      const { state } = await rig.dump(space);
      t.deepEqual(state, a.outcome === 'committed' ? { a: '1', b: '1' } : { a: '2', b: '2', c: '2' });
    },
  );

  contract('where the claim is lost, a commit and a replacement find the head moved', async (t, stage) => {
    const { writer, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    await rig.wipe(space);
    await refused(t, stage, 'head_moved', () => writer.commit({ a: '2' }));
    await refused(t, stage, 'head_moved', () => writer.replaceAll({ a: '2' }));
    // Also on top of nothing, which is all that is left.
    await refused(t, stage, 'head_moved', () => writer.commit({ a: '2' }, { prev: ZERO }));
  });

  contract('an owner that never claimed can write nothing', async (t, stage) => {
    const { writer } = stage;
    writer.line = { epoch: 5, base: ZERO };
    await refused(t, stage, 'head_moved', () => writer.commit({ a: '1' }));
    await refused(t, stage, 'head_moved', () => writer.replaceAll({ a: '1' }));
  });

  contract('under epoch 0, which nobody can claim, nothing is written', async (t, stage) => {
    await refused(t, stage, 'head_moved', () => stage.writer.commit({ a: '1' }));
  });

  // ---- announcements ----

  contract('what is committed is kept where history is asked for, newest first', async (t, stage) => {
    const { writer, store, space } = stage;
    const history = { maxChanges: 100, maxAgeMs: 60_000 };
    await writer.claim();
    await writer.commit({ old: '1' });
    const none = await store.history(space, { limit: 10 });
    t.like(none, { upTo: 0, changes: [], oldestMs: undefined });
    await writer.commit({ a: '1', b: '2' }, { history, times: '1@5,2' });
    writer.head = { ...writer.head, epoch: writer.line.epoch };
    await writer.commit({ a: '', c: '"x"' }, { history });
    const all = await store.history(space, { limit: 10 });
    t.is(all.upTo, writer.head.revision);
    t.false(all.isTrimmed);
    t.true(Math.abs(all.fromMs - all.head.now) < 60_000);
    const { epoch } = writer.line;
    t.deepEqual(all.changes, [
      { key: 'c', revision: 5, epoch, times: '', json: '"x"' },
      { key: 'a', revision: 4, epoch, times: '', json: '' },
      { key: 'b', revision: 3, epoch, times: '1@5,2', json: '2' },
      { key: 'a', revision: 2, epoch, times: '1@5,2', json: '1' },
    ]);
    const { changes, next } = await store.history(space, { key: 'a', limit: 1 });
    t.deepEqual(
      changes.map(({ revision }) => revision),
      [4],
    );
    const rest = await store.history(space, { key: 'a', limit: 9, before: next });
    t.deepEqual([rest.changes.map(({ revision }) => revision), rest.next], [[2], undefined]);
    t.is((await store.history(space, { oldestMs: all.head.now + 60_000, limit: 9 })).changes.length, 0);
    t.deepEqual(
      (await store.history(space, { newestMs: all.head.now + 60_000, limit: 9 })).changes,
      all.changes,
    );
    t.is((await store.history(space, { newestMs: all.fromMs - 1, limit: 9 })).changes.length, 0);
  });

  contract('history says where it has a gap, and is gone with its space', async (t, stage) => {
    const { writer, store, space, rig } = stage;
    const history = { maxChanges: 100, maxAgeMs: 60_000 };
    await writer.claim();
    await writer.commit({ a: '1' }, { history });
    writer.head = { ...writer.head, epoch: writer.line.epoch };
    const { fromMs } = await store.history(space, { limit: 9 });
    await writer.commit({ a: '2' });
    const page = await store.history(space, { limit: 9 });
    t.true(page.upTo < page.head.revision, 'its newest changes are missing');
    await writer.commit({ a: '3' }, { history });
    const later = await store.history(space, { limit: 9 });
    t.is(later.upTo, later.head.revision);
    t.true(later.fromMs >= fromMs);
    t.deepEqual(
      later.changes.map(({ json }) => json),
      ['3', '1'],
    );
    await rig.retype(space, 'history', 'list');
    await writer.commit({ a: '4' }, { history });
    t.deepEqual(
      (await store.history(space, { limit: 9 })).changes.map(({ json }) => json),
      ['4'],
    );
    await writer.release();
    t.is((await store.remove(space)).outcome, 'removed');
    t.like(await store.history(space, { limit: 9 }), { upTo: 0, changes: [], oldestMs: undefined });
  });

  contract('times of changes are kept, and come with the last page of changes', async (t, stage) => {
    const { writer, store, space } = stage;
    await writer.claim();
    const [first, second] = ['0@1764000000000,2', '2@1764000000005,1'];
    await writer.commit({ a: '1', b: '2' }, { times: first, allTimes: first });
    const { timesLength } = (await store.commit(space, writer.cut({ c: '3' }, { times: second }))) as {
      timesLength?: number;
    };
    t.is(timesLength, first.length + 1 + second.length);
    const ask = (limit: number, withTimes = true): Promise<Page> =>
      store.since(space, ZERO, limit, { withTimes });
    const both = `${first};${second}`;
    t.is((await ask(10)).times, both);
    t.is((await ask(2)).times, undefined, 'more pages follow');
    t.is((await ask(10, false)).times, undefined, 'nobody asked for them');
    t.is((await ask(0)).times, undefined, 'it is a look at the head');
    writer.head = { ...writer.head, epoch: writer.line.epoch, revision: 3 };
    await writer.replaceAll({ d: '4' }, { allTimes: '3@1764000000009,1' });
    t.is((await ask(10)).times, '3@1764000000009,1');
  });

  contract('times are kept where another type was in their way, once all of them come', async (t, stage) => {
    const { writer, store, space, rig } = stage;
    await writer.claim();
    await writer.commit({ a: '1' }, { times: '0@5,1' });
    await rig.retype(space, 'times', 'list');
    const appended = (await store.commit(space, writer.cut({ a: '2' }, { times: '1@6,1' }))) as {
      timesLength?: number;
    };
    t.is(appended.timesLength, -1);
    writer.head = { ...writer.head, revision: 2 };
    const all = { times: '2@7,1', allTimes: '0@5,1,1.1,1.1' };
    t.is((await writer.commit({ a: '3' }, all)).outcome, 'committed');
    t.is((await store.since(space, ZERO, 10, { withTimes: true })).times, all.allTimes);
  });

  contract('an announcement is published as it is, and changes nothing in the store', async (t, stage) => {
    const { writer, store, other, rig, space } = stage;
    if (!announces) t.false(store.canAnnounce);
    if (!announces) return;
    await writer.claim();
    await writer.commit({ a: '1' });
    const ear = new Ear();
    await other.subscribe(space, ear.deliver);
    const { line, head } = writer;
    const header: Header = {
      ...line,
      prev: head.revision,
      revision: head.revision + 1,
      cutAt: 1_764_000_000_000.125,
      leaseMs: 500,
      bye: false,
      isAhead: true,
    };
    const changes = [{ key: 'a', revision: head.revision + 1, json: '2' }];
    const before = await rig.dump(space);
    // Other tests share the connection: their commands may still wait in its buffer.
    await until(() => store.canAnnounce, 'it can announce');
    store.announce(space, header, changes);
    t.deepEqual(await ear.hears(1), [
      {
        ...header,
        digest: undefined,
        heartbeatMs: undefined,
        setAt: undefined,
        setErrorMs: undefined,
        times: undefined,
        trace: undefined,
        turn: undefined,
        changes,
        publishedAt: header.cutAt,
      },
    ]);
    t.deepEqual(await rig.dump(space), before);

    await store.commit(space, writer.cut({ a: '2' }, { isAnnounced: true }));
    t.is((await rig.dump(space)).state.a, '2');
    // The commit is not published again: the next message is that of the next commit.
    writer.head = { ...head, revision: head.revision + 1 };
    await writer.commit({ b: '3' });
    t.deepEqual(
      (await ear.hears(2)).map(({ revision }) => revision),
      [head.revision + 1, head.revision + 2],
    );
  });

  contract('announcements and commits are heard in the order in which they were made', async (t, stage) => {
    const { writer, store, other, space } = stage;
    await writer.claim();
    await writer.commit();
    const ear = new Ear();
    await other.subscribe(space, ear.deliver);
    const header = { ...writer.line, cutAt: 1, leaseMs: 5, bye: false, isAhead: true };
    const made: Promise<unknown>[] = [];
    for (let n = 0; n < 20; n += 1) {
      const cut = writer.cut({ a: String(n) });
      const isAnnounced = n % 3 === 0 && store.canAnnounce;
      if (isAnnounced) store.announce(space, { ...header, ...cut, prev: cut.prev.revision }, cut.changes);
      made.push(store.commit(space, { ...cut, isAnnounced }));
      writer.head = { epoch: cut.epoch, revision: cut.revision };
    }
    await Promise.all(made);
    t.deepEqual(
      (await ear.hears(20)).map(({ revision }) => revision),
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });

  contract(
    'a claim publishes its fence before any frame of its owner; a claim that is refused publishes none',
    async (t, stage) => {
      const { writer, rival, rig, store, space } = stage;
      const ear = new Ear();
      await store.subscribe(space, ear.deliver);
      await writer.claim();
      await rival.claim();
      await writer.commit({ a: '1' });
      await ear.hears(1);
      t.deepEqual(ear.fences, [writer.line.epoch]);
      await rig.expire(space);
      await rival.claim();
      await rival.commit({ a: '2' });
      await ear.hears(2);
      t.deepEqual(ear.fences, [writer.line.epoch, rival.line.epoch]);
    },
  );

  // ---- heartbeats of many spaces ----

  contract(
    'heartbeats that are made at once are each judged by themselves',
    async (t, { rig, space, store, other }) => {
      const names = ['full', 'light', 'fenced', 'head_moved', 'keys_lost', 'unclaimed'] as const;
      const writers = names.map((name) => new Writer(store, `${space}-${name}`, name));
      const [full, light, fenced, moved, lost, unclaimed] = writers as [Writer, ...Writer[]];
      for (const writer of writers.filter((one) => one !== unclaimed)) {
        await writer.claim();
        await writer.commit({ a: '1', b: writer.owner.length.toString() });
      }
      await rig.expire(fenced!.space);
      await new Writer(other, fenced!.space, 'second/2').claim();
      await rig.hdel(lost!.space, 'a');
      const cuts = writers.map((one) => one.cut({}, { cutAt: 1_764_000_000_007, isLight: one === light }));
      cuts[3] = moved!.cut({}, { prev: { ...moved!.head, revision: 1 } });
      const ears = await Promise.all(
        writers.map(async (one) => {
          const ear = new Ear();
          await other.subscribe(one.space, ear.deliver);
          return ear;
        }),
      );
      const before = await Promise.all(writers.map((one) => rig.dump(one.space)));

      const replies = await Promise.all(writers.map((one, at) => store.commit(one.space, cuts[at]!)));

      t.deepEqual(
        replies.map(({ outcome }) => outcome),
        ['committed', 'committed', 'fenced', 'head_moved', 'keys_lost', 'head_moved'],
      );
      t.is(replies[0]!.head?.size, 2);
      t.is(replies[0]!.head?.revision, full.head.revision);
      t.is(replies[2]!.head?.ownerName, 'name of second/2');
      t.is(replies[4]!.head?.keysLost, true);
      for (const [at, one] of writers.entries()) {
        const { meta, ...kept } = await rig.dump(one.space);
        const { meta: metaBefore, ...keptBefore } = before[at]!;
        t.deepEqual(kept, keptBefore, one.owner);
        const isDone = one === full || one === light;
        t.deepEqual(
          { ...meta, cutAt: Number(meta.cutAt) },
          { ...metaBefore, cutAt: isDone ? 1_764_000_000_007 : Number(metaBefore.cutAt) },
          one.owner,
        );
        if (isDone) t.is((await ears[at]!.hears(1))[0]!.cutAt, 1_764_000_000_007);
      }
      t.deepEqual(
        ears.slice(2).flatMap(({ messages }) => messages),
        [],
      );
    },
  );

  contract(
    'a commit that is made right behind heartbeats comes behind them',
    async (t, { writer, space, store, other }) => {
      const beside = new Writer(store, `${space}-beside`);
      for (const one of [writer, beside]) {
        await one.claim();
        await one.commit({ a: '1' });
      }
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      const replies = await Promise.all([
        store.commit(beside.space, beside.cut()),
        store.commit(space, writer.cut()),
        store.commit(space, writer.cut({ a: '2' })),
        store.commit(beside.space, beside.cut({ a: '2' })),
      ]);
      t.deepEqual(new Set(replies.map(({ outcome }) => outcome)), new Set(['committed']));
      const { revision } = writer.head;
      t.deepEqual(
        (await ear.hears(2)).map((frame) => frame.revision),
        [revision, revision + 1],
      );
    },
  );

  // ---- lost keys ----

  for (const [harm, run] of [
    ['a value was deleted', (rig: Rig, space: string) => rig.hdel(space, 'a')],
    ['a key was taken out of the index', (rig: Rig, space: string) => rig.zrem(space, 'a')],
    ['a tombstone was taken out of the index', (rig: Rig, space: string) => rig.zrem(space, 'gone')],
    ['a value was added', (rig: Rig, space: string) => rig.hset(space, 'z', '1')],
  ] as const) {
    contract(`where ${harm} by hand, keys count as lost until the state is replaced`, async (t, stage) => {
      const { writer, rig, space, store } = stage;
      await writer.claim();
      await writer.commit({ a: '1', b: '2', gone: '' });
      t.false((await store.since(space, ZERO, 0)).head.keysLost);
      await run(rig, space);
      t.true((await store.since(space, ZERO, 0)).head.keysLost);
      const head = await refused(t, stage, 'keys_lost', () => writer.commit({ c: '3' }));
      t.true(head.keysLost);
      t.true((await writer.claim()).head.keysLost, 'a claim says so as well');
      const replaced = await writer.replaceAll({ a: '1', b: '2', gone: '', c: '3' });
      t.is(replaced.outcome, 'committed');
      t.false(replaced.head.keysLost);
      t.deepEqual((await rig.dump(space)).state, { a: '1', b: '2', c: '3' });
    });
  }

  contract(
    'a value that was changed by hand does not count as lost: nobody can tell',
    async (t, { writer, rig, space, store }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      await rig.hset(space, 'a', '2');
      t.false((await store.since(space, ZERO, 0)).head.keysLost);
    },
  );

  // ---- keys of another type ----

  const WRONG: readonly [KeyName, ForeignType][] = [
    ['meta', 'string'],
    ['meta', 'stream'],
    ['state', 'string'],
    ['state', 'set'],
    ['index', 'string'],
    ['index', 'list'],
  ];
  for (const [name, type] of WRONG) {
    contract(`a ${type} at ${name} counts as lost keys, and is named`, async (t, stage) => {
      const { writer, rig, space, store } = stage;
      await writer.claim();
      await writer.commit({ a: '1', gone: '' });
      await rig.retype(space, name, type);
      const { head, changes, more } = await store.since(space, ZERO, 10);
      t.true(head.keysLost);
      const expected = TYPES[name];
      t.deepEqual(head.wrongTypes, [{ key: `tandem:{${space}}:${name}`, found: type, expected }]);
      t.false(more);
      if (name !== 'meta') t.deepEqual(changes, [], 'nothing passes for deleted');
      const outcome = name === 'meta' ? 'head_moved' : 'keys_lost';
      const refusal = await refused(t, stage, outcome, () => writer.commit({ b: '2' }));
      t.is(refusal.wrongTypes.length, 1);
    });

    contract(
      `a claim removes a ${type} at ${name}, and the keys stay lost until all is replaced`,
      async (t, stage) => {
        const { writer, rig, space, store } = stage;
        await writer.claim();
        await writer.commit({ a: '1', gone: '' });
        await rig.retype(space, name, type);
        const claimed = await writer.claim({ known: writer.line.epoch, hasLed: true });
        t.is(claimed.outcome, 'claimed');
        t.true(claimed.head.keysLost);
        t.is(claimed.head.wrongTypes.length, 1, 'it says what it removed');
        const after = (await store.since(space, ZERO, 10)).head;
        t.deepEqual(after.wrongTypes, []);
        t.true(after.keysLost);
        t.is((await writer.commit({ b: '2' })).outcome, 'keys_lost');
        await writer.replaceAll({ a: '1', b: '2' });
        const { head } = await store.since(space, ZERO, 10);
        t.false(head.keysLost);
        t.is(head.size, 2);
      },
    );
  }

  for (const name of ['state', 'index'] as const) {
    contract(
      `a light commit that meets another type at ${name} is refused, and leaves no half that could be read`,
      async (t, { writer, rig, space, store }) => {
        await writer.claim();
        await writer.commit({ a: '' });
        await rig.retype(space, name, 'string');
        const reply = await store.commit(space, writer.cut({ a: '1' }, { isLight: true }));
        t.is(reply.outcome, 'keys_lost');
        t.is(reply.head?.wrongTypes.length, 1);
        t.is((await writer.claim({ known: writer.line.epoch, hasLed: true })).outcome, 'claimed');
        t.true(
          (await store.since(space, ZERO, 10)).head.keysLost,
          'the index may have a change without a value',
        );
      },
    );
  }

  contract(
    'an empty state at which another type was put does not pass for empty after a claim',
    async (t, stage) => {
      const { writer, rig, space, store } = stage;
      await writer.claim();
      await writer.commit();
      await rig.retype(space, 'state', 'string');
      await writer.claim({ known: writer.line.epoch, hasLed: true });
      t.true((await store.since(space, ZERO, 10)).head.keysLost);
    },
  );

  contract('another type at the lease is a lost lease: its owner goes on, and names it', async (t, stage) => {
    const { writer, rig, space, store } = stage;
    await writer.claim({ leaseMs: 4_000 });
    await writer.commit({ a: '1' });
    await rig.retype(space, 'lease', 'list');
    const { head } = await store.since(space, ZERO, 0);
    t.false(head.keysLost);
    t.is(head.leaseMs, Infinity);
    t.is(head.leaseAskedMs, 4_000, 'what the last claim asked for');
    const wrong = [{ key: `tandem:{${space}}:lease`, found: 'list', expected: 'string' }];
    t.deepEqual(head.wrongTypes, wrong);
    t.is((await store.commit(space, writer.cut({ a: '2' }, { isLight: true }))).outcome, 'committed');
    writer.head = { ...writer.head, revision: writer.head.revision + 1 };
    const committed = await writer.commit({ a: '3' }, { leaseMs: 5_000 });
    t.is(committed.outcome, 'committed');
    t.deepEqual(committed.head.wrongTypes, wrong);
    const after = (await store.since(space, ZERO, 0)).head;
    t.deepEqual([after.wrongTypes, after.leaseAskedMs], [[], 5_000]);
    t.true(after.leaseMs <= 5_000);
  });

  contract(
    'another type at the lease is nobody else’s to take before it was watched to its end',
    async (t, stage) => {
      const { writer, rival, rig, space } = stage;
      await writer.claim();
      await rig.retype(space, 'lease', 'set');
      const held = await refused(t, stage, 'held', () => rival.claim({ known: writer.line.epoch }));
      t.is(held.leaseMs, Infinity);
      t.is((await rival.claim({ outwaited: Infinity })).outcome, 'claimed');
      await refused(t, stage, 'fenced', () => writer.commit({ a: '1' }));
    },
  );

  contract('another type at lease and meta does not keep the last owner from its space', async (t, stage) => {
    const { writer, rival, rig, space } = stage;
    await writer.claim();
    for (const name of ['lease', 'meta'] as const) await rig.retype(space, name, 'list');
    await refused(t, stage, 'head_moved', () => writer.commit({ a: '1' }));
    await refused(t, stage, 'held', () => rival.claim());
    t.is((await writer.claim({ known: writer.line.epoch, hasLed: true })).outcome, 'claimed');
  });

  contract('a space that was given up is free, whatever was put at its lease', async (t, stage) => {
    const { writer, rival, rig, space } = stage;
    await writer.claim();
    await writer.release();
    await rig.retype(space, 'lease', 'stream');
    t.is((await rival.claim()).outcome, 'claimed');
  });

  for (const name of ['state:next', 'index:next'] as const) {
    contract(`another type at ${name} is removed by the next stage or claim`, async (t, stage) => {
      const { writer, rig, space, store } = stage;
      await writer.claim();
      await rig.retype(space, name, 'stream');
      t.deepEqual(
        (await store.since(space, ZERO, 0)).head.wrongTypes.map(({ key }) => key),
        [`tandem:{${space}}:${name}`],
      );
      t.is((await writer.replaceAll({ a: '1' })).outcome, 'committed');
      t.deepEqual((await store.since(space, ZERO, 0)).head.wrongTypes, []);
      await rig.retype(space, name, 'list');
      await writer.claim();
      t.deepEqual((await store.since(space, ZERO, 0)).head.wrongTypes, []);
      t.false((await store.since(space, ZERO, 0)).head.keysLost);
    });
  }

  // ---- since ----

  contract('a new space has no changes, and has forgotten none', async (t, { store, space }) => {
    const { head, ...page } = await store.since(space, ZERO, 100);
    t.deepEqual(page, { full: false, more: false, changes: [] });
    t.like(head, {
      epoch: 0,
      revision: 0,
      fence: 0,
      size: 0,
      horizon: 0,
      cutAt: 0,
      ownerName: '',
      leaseMs: 0,
    });
    t.true((await store.since(space, { epoch: 5, revision: 3 }, 100)).full, 'it knows of no other line');
  });

  contract(
    'since a position, each changed key comes once with its latest value, and deleted keys come too',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit({ a: '1', b: '2', c: '3' });
      const { head } = writer;
      await writer.commit({ a: '4', c: '' });
      await writer.commit({ a: '6' });
      const page = await store.since(space, head, 100);
      t.deepEqual(page.changes, [
        { key: 'c', revision: 5, json: '' },
        { key: 'a', revision: 6, json: '6' },
      ]);
      t.false(page.full);
      t.false(page.more);
      t.deepEqual((await store.since(space, writer.head, 100)).changes, []);
    },
  );

  contract('a page with a limit of zero is the head alone', async (t, { writer, store, space }) => {
    await writer.claim();
    await writer.commit({ a: '1' });
    const page = await store.since(space, ZERO, 0);
    t.deepEqual([page.changes, page.more, page.head.revision], [[], false, 1]);
  });

  contract(
    'pages of any size together are the whole state, and no change is split or repeated',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit(numbered(23));
      await writer.commit({ 'key/3': '', 'key/7': '2' });
      const whole = (await store.since(space, ZERO, 1_000)).changes;
      t.is(whole.length, 23);
      for (const limit of [1, 2, 5, 22, 23, 24, 1_000]) {
        const { pages, changes } = await readAll(store, space, ZERO, limit);
        t.deepEqual(changes, whole, `pages of ${limit}`);
        for (const page of pages.slice(0, -1)) t.is(page.changes.length, limit, 'only the last is not full');
        t.true(pages.at(-1)!.changes.length < limit || limit === 1_000);
      }
    },
  );

  contract(
    'a key that changes between two pages comes again, also where it is deleted',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit(numbered(6));
      let written = 0;
      const { changes, pages } = await readAll(store, space, ZERO, 2, async () => {
        written += 1;
        if (written === 1) await writer.commit({ 'key/0': '"again"', 'key/5': '' });
        if (written === 2) await writer.commit({ 'key/1': '' });
      });
      const latest = [...new Map(changes.map((one) => [one.key, one])).values()];
      t.deepEqual(texts(latest), { 'key/0': '"again"', 'key/2': '1', 'key/3': '1', 'key/4': '1' });
      t.is(pages.at(-1)!.head.revision, 9);
    },
  );

  contract(
    'a page ends early when its values are large, and the next goes on from there',
    async (t, { writer, store, space }) => {
      await writer.claim();
      const values = numbered(300, `"${'x'.repeat(8_000)}"`);
      await writer.commit(values);
      const { pages, changes } = await readAll(store, space, ZERO, 1_000);
      t.true(pages.length > 1);
      t.deepEqual(texts(changes), values);
    },
  );

  contract(
    'a page has at most a megabyte of values, or a single change, and nothing is missing',
    async (t, { writer, store, space }) => {
      await writer.claim();
      const values: Record<string, string> = {};
      for (let at = 0; at < 4; at += 1) {
        const five = numbered(5, `"${'x'.repeat(200_000)}"`, `large/${at}`);
        await writer.commit(five);
        Object.assign(values, five);
        if (at !== 1) continue;
        // The longest value that a space takes, in characters of three bytes.
        values['huge'] = `"${'€'.repeat(1024 * 1024 - 2)}"`;
        await writer.commit({ huge: values['huge'] });
      }
      await writer.commit({ small: '"€"', gone: '1' });
      await writer.commit({ gone: '' });
      const { pages, changes } = await readAll(store, space, ZERO, 1_000);
      t.deepEqual(texts(changes), { ...values, small: '"€"' });
      t.is(changes.length, 23);
      for (const page of pages) {
        const length = page.changes.reduce((sum, { json }) => sum + Buffer.byteLength(json), 0);
        t.true(length <= 1024 * 1024 || page.changes.length === 1, `${length} in ${page.changes.length}`);
      }
      t.true(
        pages.some((page) => page.changes.length > 1),
        'several fit',
      );
    },
  );

  contract(
    'long values are stored and published as they are, wherever they stand among short ones and deletes',
    async (t, { writer, other, space, rig }) => {
      await writer.claim();
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      const long = (name: string): string => `"${name}${'€'.repeat(70_000)}"`;
      const cuts: Changes[] = [
        { a: long('a') },
        { b: '1', a: long('b'), c: '2' },
        { a: '3', c: long('c'), d: long('d') },
        { e: long('e'), f: long('f'), b: '' },
        { d: '', e: '', g: long('g') },
        { f: '', g: '4' },
      ];
      const all: Record<string, string> = {};
      for (const [at, cut] of cuts.entries()) {
        const expected = writer.cut(cut).changes;
        t.is((await writer.commit(cut)).outcome, 'committed');
        await ear.hears(at + 1);
        t.deepEqual(ear.frames.at(-1)!.changes, expected);
        for (const [key, json] of Object.entries(cut)) all[key] = json;
        for (const [key, json] of Object.entries(cut)) if (json === '') delete all[key];
        t.deepEqual((await rig.dump(space)).state, all);
      }
      for (const cut of cuts) {
        t.is((await writer.replaceAll(cut)).outcome, 'committed');
        const live = Object.entries(cut).filter(([, json]) => json !== '');
        t.deepEqual((await rig.dump(space)).state, Object.fromEntries(live));
      }
    },
  );

  contract(
    'a long value that changes while a page is read comes with its own revision',
    async (t, { writer, other, space }) => {
      await writer.claim();
      const longOf = (revision: number): string => `"${revision}${'x'.repeat(100_000)}"`;
      const writing = (async () => {
        for (let n = 1; n <= 30; n += 1) await writer.commit({ long: longOf(n) });
      })();
      let seen = 0;
      while (writer.head.revision < 30) {
        const { changes, more } = await other.since(space, { ...ZERO, revision: 0 }, 10);
        t.false(more);
        for (const { revision, json } of changes) {
          t.true(json === longOf(revision), `at ${revision}: ${json.slice(0, 10)}`);
          seen += 1;
        }
      }
      await writing;
      t.true(seen > 0);
    },
  );

  contract(
    'at the base of the line or before it a reader carries on; past it, or on another line, it starts over',
    async (t, { writer, rival, rig, space, store }) => {
      await writer.claim();
      await writer.commit({ a: '1', b: '2', c: '3' });
      await rig.expire(space);
      await rival.claim();
      // As if the third change had been lost: the new line goes on from the second.
      const base = { epoch: writer.line.epoch, revision: 2 };
      await rival.replaceAll(
        { a: '1', b: '2', d: '4' },
        {
          base,
          revision: 4,
          changes: [
            { key: 'a', revision: 1, json: '1' },
            { key: 'b', revision: 2, json: '2' },
            { key: 'd', revision: 4, json: '4' },
          ],
        },
      );
      const ask = (epoch: number, revision: number): Promise<Page> =>
        store.since(space, { epoch, revision }, 100);
      const old = writer.line.epoch;
      for (const revision of [1, 2]) {
        const page = await ask(old, revision);
        t.false(page.full, `${revision} is before the base`);
        t.deepEqual(
          page.changes.map(({ key }) => key),
          revision === 1 ? ['b', 'd'] : ['d'],
        );
      }
      for (const page of [
        await ask(old, 3),
        await ask(old - 1, 1),
        // The rival's epoch may be the next one.
        await ask(rival.line.epoch === old + 1 ? old + 2 : old + 1, 1),
        await ask(rival.line.epoch + 1, 1),
      ]) {
        t.true(page.full);
        t.deepEqual(
          page.changes.map(({ key }) => key),
          ['a', 'b', 'd'],
        );
      }
      const own = await ask(rival.line.epoch, 2);
      t.false(own.full);
      t.deepEqual(
        own.changes.map(({ key }) => key),
        ['d'],
      );
    },
  );

  contract(
    'a line that continues nothing is a new start for everyone but newcomers',
    async (t, { writer, rival, rig, space, store }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      await rig.expire(space);
      await rival.claim();
      await rival.replaceAll({ b: '2' }, { base: ZERO, horizon: 1 });
      const page = await store.since(space, writer.head, 100);
      t.true(page.full);
      t.deepEqual(texts(page.changes), { b: '2' });
    },
  );

  // ---- tombstones and the horizon ----

  contract(
    'tombstones are forgotten when the owner says so, and a reader before the horizon starts over',
    async (t, { writer, rig, space, store }) => {
      await writer.claim();
      await writer.commit({ a: '1', b: '2', c: '3' });
      await writer.commit({ a: '', b: '' });
      const { epoch } = writer.line;
      t.deepEqual((await rig.dump(space)).index, { c: 3, a: 4, b: 5 });
      const { head } = await writer.commit({ d: '6' }, { dropped: ['a'], horizon: 4 });
      t.is(head.horizon, 4);
      t.false(head.keysLost);
      t.deepEqual((await rig.dump(space)).index, { c: 3, b: 5, d: 6 });
      for (const revision of [0, 3]) {
        const page = await store.since(space, { epoch, revision }, 100);
        t.true(page.full, `${revision} is before the horizon`);
        t.deepEqual(
          page.changes.map(({ key }) => key),
          ['c', 'b', 'd'],
        );
      }
      for (const revision of [4, 5]) t.false((await store.since(space, { epoch, revision }, 100)).full);
    },
  );

  contract(
    'a forgotten tombstone does not count as lost, and may be forgotten again',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      await writer.commit({ a: '' });
      await writer.commit({}, { dropped: ['a'], horizon: 2 });
      const { outcome, head } = await writer.commit({ b: '1' }, { dropped: ['a', 'never'], horizon: 2 });
      t.is(outcome, 'committed');
      t.false(head.keysLost);
      t.deepEqual(texts((await store.since(space, ZERO, 10)).changes), { b: '1' });
    },
  );

  contract(
    'a full sync goes on though it is before the horizon, and starts over when the horizon moves',
    async (t, { writer, store, space }) => {
      await writer.claim();
      await writer.commit({ ...numbered(6), x: '1', y: '1' });
      await writer.commit({ x: '' });
      await writer.commit({ 'key/0': '2' }, { dropped: ['x'], horizon: 9 });
      const first = await store.since(space, ZERO, 2);
      t.true(first.full);
      const from = { epoch: first.head.epoch, revision: first.changes.at(-1)!.revision };
      const second = await store.since(space, from, 2, { horizon: first.head.horizon });
      t.false(second.full, 'it goes on');
      t.true(
        (await store.since(space, from, 2)).full,
        'a reader that does not say that it is in a full sync starts over',
      );
      await writer.commit({ y: '' });
      await writer.commit({}, { dropped: ['y'], horizon: 11 });
      t.true(
        (await store.since(space, from, 2, { horizon: first.head.horizon })).full,
        'y may be missing from it',
      );
    },
  );

  contract(
    'a reader that reads pages while keys come, go and are forgotten ends with the state as it is',
    async (t, { writer, store, space, rig }) => {
      await writer.claim();
      await writer.commit(numbered(20));
      let round = 0;
      const { changes } = await readAll(store, space, ZERO, 3, async () => {
        round += 1;
        if (round > 12) return;
        await writer.commit({ [`key/${round}`]: '', [`new/${round}`]: `${round}` });
        if (round % 3 !== 0) return;
        await writer.commit({}, { dropped: [`key/${round}`], horizon: writer.head.revision - 1 });
      });
      const latest = [...new Map(changes.map((one) => [one.key, one])).values()];
      t.deepEqual(texts(latest), (await rig.dump(space)).state);
    },
  );

  // ---- replace all ----

  contract(
    'a replacement puts a whole state in place of the old one, with its tombstones',
    async (t, { writer, other, rig, space, store }) => {
      await writer.claim();
      await writer.commit({ a: '1', b: '2', c: '3' });
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      const { outcome, head } = await writer.replaceAll({ b: '5', d: '6', e: '' }, { horizon: 2 });
      t.is(outcome, 'committed');
      t.like(head, { revision: 6, size: 2, horizon: 2, keysLost: false });
      const { state, index, lease } = await rig.dump(space);
      t.deepEqual(state, { b: '5', d: '6' });
      t.deepEqual(index, { b: 4, d: 5, e: 6 });
      t.is(lease, `first/1 ${writer.line.epoch}`);
      t.false(await rig.isStaging(space));
      const [frame] = await ear.hears(1);
      t.like(frame, { prev: 6, revision: 6, changes: [] }, 'it is published as a heartbeat');
      t.deepEqual(
        (await store.since(space, { epoch: head.epoch, revision: 4 }, 10)).changes.map(({ key }) => key),
        ['d', 'e'],
      );
    },
  );

  contract(
    'a replacement may leave nothing at all, or nothing but tombstones',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      const empty = await writer.replaceAll();
      t.is(empty.outcome, 'committed');
      t.like(empty.head, { size: 0, keysLost: false });
      t.deepEqual(await rig.dump(space).then(({ state, index }) => [state, index]), [{}, {}]);
      t.is((await writer.commit({ b: '1' })).outcome, 'committed');
      const dead = await writer.replaceAll({ a: '', b: '' });
      t.is(dead.outcome, 'committed');
      t.like(dead.head, { size: 0, keysLost: false });
      t.deepEqual(Object.keys((await rig.dump(space)).index), ['a', 'b']);
    },
  );

  contract('a state of any size is replaced whole', async (t, { writer, rig, space }) => {
    await writer.claim();
    for (const count of [999, 1_000, 1_001, 3_500]) {
      const state = numbered(count, '2');
      t.is((await writer.replaceAll(state)).outcome, 'committed', `${count} keys`);
      t.deepEqual((await rig.dump(space)).state, state);
    }
    const large = numbered(20, `"${'x'.repeat(100_000)}"`);
    t.is((await writer.replaceAll(large)).outcome, 'committed');
    t.deepEqual((await rig.dump(space)).state, large);
  });

  contract(
    'an owner that is fenced halfway through a replacement changes nothing, and its stage is never used',
    async (t, { store, other, rig, space: name }) => {
      // Each portion renews the lease, so the rival has to be quick: it gets a few tries.
      for (let tries = 1; ; tries += 1) {
        const space = `${name}-${tries}`;
        const [writer, rival] = [new Writer(store, space), new Writer(other, space, 'second/2')];
        await writer.claim();
        await writer.commit({ a: '1' });
        const before = await rig.dump(space);
        const replacing = writer.replaceAll(numbered(40_000, '2'));
        await until(() => rig.isStaging(space), 'the first portion');
        await until(async () => {
          await rig.expire(space);
          return (await rival.claim()).outcome === 'claimed';
        }, 'a claim between two portions');
        const { outcome } = await replacing;
        if (outcome === 'committed' && tries < 20) continue;
        t.is(outcome, 'fenced');
        t.false(await rig.isStaging(space), 'the claim has removed what was staged');
        const after = await rig.dump(space);
        t.deepEqual([after.state, after.index], [before.state, before.index]);
        t.is((await rival.replaceAll({ c: '3' })).outcome, 'committed');
        t.deepEqual((await rig.dump(space)).state, { c: '3' });
        t.false(await rig.isStaging(space));
        return;
      }
    },
  );

  contract(
    'an owner that gives up its space halfway through a replacement leaves no stage behind',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      const replacing = writer.replaceAll(numbered(3_000, '2'));
      // On one connection calls are carried out in order: the first portion, the goodbye, the second portion.
      await new Promise((resolve) => setImmediate(resolve));
      const [{ outcome }] = await Promise.all([replacing, writer.release()]);
      t.is(outcome, 'head_moved');
      t.false(await rig.isStaging(space));
      t.deepEqual((await rig.dump(space)).state, { a: '1' });
    },
  );

  contract(
    'a replacement commits the state that it was given, also while an older one is still under way',
    async (t, { writer, rig, space, store, other }) => {
      await writer.claim();
      const older = writer.replacement({ a: '"older"', b: '"older"' });
      const newer = {
        ...older,
        revision: 4,
        whole: wholeOf([
          { key: 'a', revision: 3, json: '"newer"' },
          { key: 'b', revision: 4, json: '"newer"' },
        ]),
      };
      // On one connection calls are carried out in order: newer staged, older staged, newer replaces.
      const [second] = await Promise.all([store.replaceAll(space, newer), store.replaceAll(space, older)]);
      const { head } = await other.since(space, ZERO, 0);
      const { state } = await rig.dump(space);
      if (second.outcome === 'committed' || head.revision === 4)
        t.deepEqual(state, { a: '"newer"', b: '"newer"' });
      else t.deepEqual(state, head.revision === 2 ? { a: '"older"', b: '"older"' } : {});
    },
  );

  contract(
    'a replacement that takes longer than the lease keeps the lease while it stages',
    async (t, { writer, rival, rig, space }) => {
      await writer.claim();
      const replacing = writer.replaceAll(numbered(20_000, '2'), { leaseMs: 90_000 });
      await until(() => rig.isStaging(space), 'the first portion');
      const { outcome, head } = await rival.claim();
      t.is(outcome, 'held');
      t.true(head.leaseMs > 60_000);
      t.is((await replacing).outcome, 'committed');
    },
  );

  contract(
    'of two replacements that are under way at once, the later one wins, and is whole',
    async (t, { writer, rig, space, store }) => {
      await writer.claim();
      const replacementOf = (changes: Changes) => store.replaceAll(space, writer.replacement(changes));
      const later = numbered(2_500, '2', 'later');
      const outcomes = await Promise.all([
        replacementOf(numbered(4_500, '1', 'earlier')),
        replacementOf(later),
      ]);
      t.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['head_moved', 'committed'],
      );
      t.deepEqual((await rig.dump(space)).state, later);
    },
  );

  contract(
    'a replacement whose claim is lost before its last step changes nothing',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      // On one connection calls are carried out in order: stage, claim, replace.
      const replacing = writer.replaceAll({ b: '2' });
      const claiming = writer.claim();
      t.is((await replacing).outcome, 'head_moved');
      await claiming;
      t.deepEqual((await rig.dump(space)).state, { a: '1' });
    },
  );

  // ---- release ----

  contract(
    'a release gives up the lease and says goodbye; the state stays',
    async (t, { writer, rival, other, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      const before = await rig.dump(space);
      await writer.release();
      const after = await rig.dump(space);
      t.deepEqual(after, { ...before, meta: { ...before.meta, owner: '' }, lease: null });
      const [frame] = await ear.hears(1);
      t.like(frame, { epoch: writer.line.epoch, prev: 1, revision: 1, leaseMs: 0, bye: true, changes: [] });
      t.is((await rival.claim()).outcome, 'claimed', 'the next owner need not wait');
    },
  );

  contract(
    'a release without a goodbye publishes nothing',
    async (t, { writer, rival, other, rig, space }) => {
      await writer.claim();
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      await writer.store.release(space, writer.owner, writer.line.epoch);
      t.is((await rig.dump(space)).lease, null);
      await rival.claim();
      await rival.commit({ a: '1' });
      const [frame] = await ear.hears(1);
      t.is(frame!.epoch, rival.line.epoch);
    },
  );

  contract(
    'a commit that comes after the release is refused, and does not take the lease again',
    async (t, stage) => {
      const { writer, rig, space } = stage;
      await writer.claim();
      await writer.commit({ a: '1' });
      await writer.release();
      const after = await rig.dump(space);
      t.is((await writer.commit({ a: '2' })).outcome, 'head_moved');
      t.deepEqual(await rig.dump(space), after);
    },
  );

  contract(
    'a head of an epoch that nobody has claimed counts as lost keys',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      await writer.commit({ a: '1' });
      t.false((await writer.store.since(space, ZERO, 0)).head.keysLost);
      await rig.setEpoch(space, 8_999_999_999_999_999);
      t.true((await writer.store.since(space, ZERO, 0)).head.keysLost);
    },
  );

  contract('a release by an owner that does not hold the lease does nothing', async (t, stage) => {
    const { writer, rival, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    const run = (one: Writer) => async (): Promise<{ outcome: string; head: Head }> => {
      await one.release();
      return { outcome: 'nothing', head: (await one.store.since(space, ZERO, 0)).head };
    };
    rival.line = { ...writer.line };
    await refused(t, stage, 'nothing', run(rival));
    await rig.expire(space);
    await rival.claim();
    await refused(t, stage, 'nothing', run(writer));
  });

  // ---- taking over, and removing ----

  contract(
    'a claim that takes over is granted while another owner lives, and fences it',
    async (t, stage) => {
      const { writer, rival, store, space } = stage;
      await writer.claim();
      await writer.commit({ a: '1' });
      t.is((await rival.claim()).outcome, 'held');
      const { outcome, head } = await rival.claim({ takesOver: true });
      t.is(outcome, 'claimed');
      t.true(head.fence > writer.line.epoch);
      t.is((await writer.commit({ a: '2' })).outcome, 'fenced');
      await rival.commit({ b: '1' });
      const { changes } = await readAll(store, space, ZERO, 10);
      t.deepEqual(texts(changes), { a: '1', b: '1' }, 'the state of the one before is there');
    },
  );

  contract('a space that an owner holds is not removed', async (t, stage) => {
    const { writer, store, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    const before = await rig.dump(space);
    const { outcome, head } = await store.remove(space);
    t.is(outcome, 'held');
    t.is(head.ownerName, 'name of first/1');
    t.deepEqual(await rig.dump(space), before);
  });

  contract('a space that nobody holds is removed, and everybody hears of it', async (t, stage) => {
    const { writer, store, other, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1', b: '2' });
    await rig.expire(space);
    const messages: string[] = [];
    await other.subscribe(space, (message) => messages.push(message));
    const { outcome, head } = await store.remove(space);
    t.is(outcome, 'removed');
    t.like(head, { fence: writer.line.epoch, epoch: 0, revision: 0, size: 0, leaseMs: 0, keysLost: false });
    t.is(head.removedAt, Math.floor(head.removedAt));
    t.true(Math.abs(head.removedAt - head.now) < 1_000);
    await until(() => messages.length > 0, 'a message');
    t.deepEqual(decodeMessage(messages[0]!), { is: 'removed', epoch: writer.line.epoch });
    const { state, index, lease } = await rig.dump(space);
    t.deepEqual({ state, index, lease }, { state: {}, index: {}, lease: null });
    const page = await other.since(space, ZERO, 10);
    t.deepEqual([page.changes, page.head.removedAt], [[], head.removedAt]);
  });

  contract(
    'what was never there, or is removed already, is absent',
    async (t, { writer, store, rig, space }) => {
      t.is((await store.remove(space)).outcome, 'absent');
      await writer.claim();
      await rig.expire(space);
      t.is((await store.remove(space)).outcome, 'removed');
      t.is((await store.remove(space)).outcome, 'absent');
    },
  );

  contract("a lease that was watched to its end is in nobody's way", async (t, { writer, store, space }) => {
    await writer.claim();
    const { head } = await store.since(space, ZERO, 0);
    t.is((await store.remove(space, head.now + head.leaseMs - 1_000)).outcome, 'held');
    await onceOutwaited(head, 'removed', (seen) => store.remove(space, seen));
  });

  contract('a claim after a removal begins anew, above all epochs before', async (t, stage) => {
    const { writer, rival, store, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    await rig.expire(space);
    await store.remove(space);
    const { head } = await rival.claim();
    t.like(head, { epoch: 0, revision: 0, size: 0, removedAt: 0, keysLost: false });
    t.true(head.fence > writer.line.epoch);
    await rival.commit({ b: '1' });
    const { changes } = await readAll(store, space, ZERO, 10);
    t.deepEqual(texts(changes), { b: '1' });
  });

  contract('an owner that comes back after a removal is not fenced: it claims again', async (t, stage) => {
    const { writer, store, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    await rig.expire(space);
    await store.remove(space);
    t.is((await writer.commit({ a: '2' })).outcome, 'head_moved');
    t.is((await writer.claim({ known: writer.line.epoch, hasLed: true })).outcome, 'claimed');
  });

  contract('nobody raises the fence of a removed space', async (t, { writer, store, rig, space }) => {
    await writer.claim();
    await rig.expire(space);
    await store.remove(space);
    const { head } = await store.since(space, ZERO, 0, { seen: writer.line.epoch + 5 });
    t.is(head.fence, writer.line.epoch);
  });

  contract('a removal takes away also what somebody else has put at its keys', async (t, stage) => {
    const { writer, store, rig, space } = stage;
    await writer.claim();
    await writer.commit({ a: '1' });
    await rig.retype(space, 'state', 'list');
    await rig.expire(space);
    const { outcome, head } = await store.remove(space);
    t.deepEqual([outcome, head.wrongTypes.length, head.keysLost], ['removed', 1, false]);
    t.deepEqual((await store.since(space, ZERO, 0)).head.wrongTypes, []);
  });

  // ---- renew ----

  contract('renewing extends the lease, changes nothing else, and publishes nothing', async (t, stage) => {
    const { writer, store, other, space, rig } = stage;
    await writer.claim({ leaseMs: 5_000 });
    const before = await rig.dump(space);
    const ear = new Ear();
    await other.subscribe(space, ear.deliver);
    await store.renew(space, writer.owner, writer.line.epoch, 90_000);
    const { head } = await store.since(space, ZERO, 0);
    t.true(head.leaseMs > 5_000 && head.leaseMs <= 90_000);
    t.deepEqual(await rig.dump(space), before);
    await writer.commit();
    t.is((await ear.hears(1)).length, 1, 'the heartbeat was the first to be heard');
  });

  contract(
    'an owner that was fenced, or never claimed, renews nothing',
    async (t, { writer, rival, rig, space, store }) => {
      await store.renew(space, rival.owner, 5, 90_000);
      t.is((await store.since(space, ZERO, 0)).head.leaseMs, 0);
      await writer.claim();
      await store.renew(space, rival.owner, writer.line.epoch, 90_000);
      t.is((await rig.dump(space)).lease, `first/1 ${writer.line.epoch}`);
      await rig.expire(space);
      await rival.claim();
      await store.renew(space, writer.owner, writer.line.epoch, 90_000);
      t.is((await rig.dump(space)).lease, `second/2 ${rival.line.epoch}`);
    },
  );

  // ---- the highest epoch that a reader has seen ----

  contract(
    'a reader that has seen a higher epoch makes the owner claim above it',
    async (t, { writer, store, space }) => {
      const { head: claimed } = await writer.claim();
      await writer.commit({ a: '1' });
      const seen = claimed.fence + 60_000;
      const page = await store.since(space, writer.head, 10, { seen });
      t.is(page.head.fence, seen);
      t.is(page.head.epoch, claimed.fence, 'the head has not moved');
      t.is((await writer.commit({ a: '2' })).outcome, 'head_moved', 'that does not fence its owner');
      t.is((await writer.claim()).head.fence, seen + 1);
      t.is((await writer.commit({ a: '2' })).outcome, 'committed');
    },
  );

  contract(
    'the fence does not rise to a lower epoch, to one that is none of ours, or in a new space',
    async (t, { writer, store, space }) => {
      await store.since(space, ZERO, 10, { seen: 5 });
      t.is((await store.since(space, ZERO, 0)).head.fence, 0);
      const { head } = await writer.claim();
      for (const seen of [
        0,
        head.fence - 1,
        head.fence,
        head.now + 3_200_000_000_000,
        Number.MAX_SAFE_INTEGER,
      ])
        t.is((await store.since(space, ZERO, 10, { seen })).head.fence, head.fence, `${seen}`);
      t.is((await writer.commit({ a: '1' })).outcome, 'committed');
    },
  );

  // ---- subscriptions ----

  contract(
    'each message reaches every subscriber, in the same order, and is a frame',
    async (t, { writer, rig, space }) => {
      const ears = [new Ear(), new Ear(), new Ear()];
      const stores = await Promise.all([rig.open(), rig.open()]);
      await stores[0].subscribe(space, ears[0]!.deliver);
      await stores[0].subscribe(space, ears[1]!.deliver);
      await stores[1].subscribe(space, ears[2]!.deliver);
      await writer.claim();
      const cuts: Changes[] = Array.from({ length: 60 }, (_, at) =>
        at % 5 === 4
          ? {}
          : { [`key/${at % 7}`]: at % 3 === 2 ? '' : `{"at":${at},"text":"é\\n😀"}`, same: `${at}` },
      );
      const replies = [];
      for (const changes of cuts) replies.push(await writer.commit(changes));
      const [frames] = await Promise.all(ears.map((ear) => ear.hears(cuts.length)));
      for (const ear of ears) t.deepEqual(ear.messages, ears[0]!.messages);
      let before = 0;
      for (const [at, frame] of frames!.entries()) {
        t.is(frame.prev, before, 'each begins where the one before it ended');
        t.is(frame.revision, replies[at]!.head.revision);
        t.deepEqual(Object.fromEntries(frame.changes.map(({ key, json }) => [key, json])), cuts[at]!);
        t.is(frame.publishedAt, replies[at]!.head.now, 'it has the time of the server');
        t.is(frame.cutAt, replies[at]!.head.cutAt);
        t.is(frame.epoch, writer.line.epoch);
        t.deepEqual(frame.base, ZERO);
        before = frame.revision;
      }
    },
  );

  contract(
    'the frame and the head have the same time of the cut, to the last digit',
    async (t, { writer, other, space }) => {
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      await writer.claim();
      const cutAt = 1_764_123_456_789.123;
      const { head } = await writer.commit({}, { cutAt });
      const [frame] = await ear.hears(1);
      t.is(frame?.cutAt, cutAt);
      t.is(head.cutAt, cutAt);
    },
  );

  contract('subscribers hear of their own space alone', async (t, { writer, other, space, store }) => {
    const [ear, elsewhere] = [new Ear(), new Ear()];
    await other.subscribe(space, ear.deliver);
    await other.subscribe(`${space}-else`, elsewhere.deliver);
    const stranger = new Writer(store, `${space}-else`);
    await stranger.claim();
    await stranger.commit({ strange: '1' });
    await writer.claim();
    await writer.commit({ own: '1' });
    await Promise.all([ear.hears(1), elsewhere.hears(1)]);
    t.deepEqual(
      ear.frames[0]?.changes.map(({ key }) => key),
      ['own'],
    );
    t.deepEqual(
      elsewhere.frames[0]?.changes.map(({ key }) => key),
      ['strange'],
    );
  });

  contract(
    'a listener that subscribes twice hears each message once',
    async (t, { writer, other, space }) => {
      const ear = new Ear();
      await other.subscribe(space, ear.deliver);
      await other.subscribe(space, ear.deliver);
      await writer.claim();
      await writer.commit({ a: '1' });
      await writer.commit({ b: '2' });
      t.deepEqual(
        (await ear.hears(2)).map(({ revision }) => revision),
        [1, 2],
      );
    },
  );

  contract(
    'a listener that unsubscribes hears no more, while others do, and may come back',
    async (t, { writer, other, space }) => {
      const [stays, goes] = [new Ear(), new Ear()];
      await other.subscribe(space, stays.deliver);
      await other.subscribe(space, goes.deliver);
      await writer.claim();
      await writer.commit({ a: '1' });
      await Promise.all([stays.hears(1), goes.hears(1)]);
      await other.unsubscribe(space, goes.deliver);
      await writer.commit({ b: '2' });
      await stays.hears(2);
      t.is(goes.messages.length, 1);
      // Now nobody of this store listens any more, and the store itself unsubscribes.
      await other.unsubscribe(space, stays.deliver);
      await other.unsubscribe(space, stays.deliver);
      await writer.commit({ c: '3' });
      await other.subscribe(space, goes.deliver);
      await writer.commit({ d: '4' });
      await goes.hears(2);
      t.deepEqual(
        goes.frames.map(({ revision }) => revision),
        [1, 4],
      );
      t.is(stays.messages.length, 2);
    },
  );

  contract(
    'once subscribe has resolved, the very next commit is heard',
    async (t, { writer, rig, space }) => {
      await writer.claim();
      for (let at = 1; at <= 10; at += 1) {
        const ear = new Ear();
        const late = await rig.open();
        await late.subscribe(space, ear.deliver);
        await writer.commit({ a: `${at}` });
        const [frame] = await ear.hears(1);
        t.is(frame?.revision, at);
      }
    },
  );

  // ---- links ----

  contract('the links of a store are up, without an error', async (t, { store }) => {
    for (const link of [store.commands, store.subscriber]) {
      t.true(link.up);
      t.is(link.error, undefined);
    }
    await Promise.resolve();
  });

  contract(
    'every reply has the time of the server, which never goes back',
    async (t, { writer, store, space }) => {
      const times = [(await writer.claim()).head.now];
      for (let at = 0; at < 5; at += 1) {
        times.push((await writer.commit({ a: `${at}` })).head.now);
        times.push((await store.since(space, ZERO, 10)).head.now);
      }
      times.push((await writer.replaceAll({ a: '1' })).head.now);
      t.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
    },
  );

  chapter(contract);
}
