/**
 * Reading changes in pages as if they were one. These pages are made up; the contract suite reads real ones.
 */
import test from 'ava';
import { TandemError } from '../../src/base/errors.ts';
import { Slices } from '../../src/base/slices.ts';
import { systemTime } from '../../src/base/time.ts';
import { Bookmark } from '../../src/follower/bookmark.ts';
import type { Gatherer, GatherOptions } from '../../src/follower/catch-up.ts';
import { gatherSince } from '../../src/follower/catch-up.ts';
import type { Change } from '../../src/state/change.ts';
import type { Position } from '../../src/state/position.ts';
import { ZERO } from '../../src/state/position.ts';
import type { Head, Page, SinceOptions, Store } from '../../src/ports/store.ts';

const HEAD: Head = {
  epoch: 5,
  revision: 9,
  base: { epoch: 3, revision: 2 },
  fence: 5,
  size: 1,
  horizon: 4,
  cutAt: 1,
  owner: 'owner',
  ownerName: 'owner',
  leaseMs: 1,
  leaseAskedMs: 0,
  keysLost: false,
  wrongTypes: [],
  doubtedAt: 0,
  unsettled: 0,
  removedAt: 0,
  now: 1,
};

const change = (key: string, revision: number): Change => ({ key, revision, json: `${revision}` });

/**
 * A store that answers with these pages, and records the requests. An error is thrown in place of a page. Its
 * link is down, unless a test says otherwise.
 */
function storeOf(...pages: (Partial<Page> | Error)[]) {
  const asked: { position: Position; options: SinceOptions }[] = [];
  const limits: number[] = [];
  const since = (_: string, at: Position, limit: number, options: SinceOptions = {}): Promise<Page> => {
    const page = pages[Math.min(asked.length, pages.length - 1)];
    asked.push({ position: at, options });
    limits.push(limit);
    if (page instanceof Error) return Promise.reject(page);
    return Promise.resolve({ head: HEAD, full: false, more: false, changes: [], ...page });
  };
  const link = { up: false };
  return { store: { since, commands: link } as unknown as Store, asked, limits, link };
}

/** A gatherer that writes down what it takes, one change a step. */
function gathererOf() {
  const taken: Change[] = [];
  const gatherer: Gatherer = {
    restart: () => void taken.splice(0),
    *take(changes) {
      for (const one of changes) {
        taken.push(one);
        yield;
      }
    },
  };
  return { taken, gatherer };
}

const slices = new Slices(systemTime);

/**
 * Reads everything since a position: the changes in revision order, each key once.
 * @param onPage called with each page as it is taken
 */
async function read(store: Store, since: Position, options?: GatherOptions, onPage = (): void => {}) {
  const changes = new Map<string, Change>();
  const gatherer: Gatherer = {
    restart: () => changes.clear(),
    *take(page) {
      onPage();
      for (const one of page) {
        // It is deleted and set again, which moves it into revision order.
        changes.delete(one.key);
        changes.set(one.key, one);
        yield;
      }
    },
  };
  const gathered = await gatherSince(store, slices, 'space', new Bookmark(since), gatherer, options);
  return { ...gathered, changes: [...changes.values()] };
}
const gather = (store: Store, bookmark: Bookmark, gatherer: Gatherer, signal?: AbortSignal) =>
  gatherSince(store, slices, 'space', bookmark, gatherer, { signal });

const from = { epoch: 3, revision: 1 };

test('a page that is not full ends the reading', async (t) => {
  const { store, asked } = storeOf({ changes: [change('a', 2)] });
  const batch = await read(store, from);
  t.deepEqual(batch, { head: HEAD, isFull: false, times: undefined, changes: [change('a', 2)] });
  t.deepEqual(asked, [
    { position: from, options: { horizon: 0, seen: 3, isDoubted: false, withTimes: false } },
  ]);
});

test('the next request starts at the last change, in the epoch of the head', async (t) => {
  const { store, asked } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { changes: [change('c', 6)] },
  );
  const { changes, isFull } = await read(store, from);
  t.deepEqual(changes, [change('a', 2), change('b', 4), change('c', 6)]);
  t.false(isFull);
  t.deepEqual(asked[1]?.position, { epoch: 5, revision: 4 });
});

test('a state that was rolled back between two pages is not mixed from both', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { head: { ...HEAD, revision: 8 }, changes: [change('c', 8)] },
  );
  await t.throwsAsync(read(store, from), { code: 'ROLLED_BACK' });
});

test('after a rollback, a page with the whole state counts from there', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { head: { ...HEAD, revision: 3 }, full: true, changes: [change('c', 3)] },
  );
  const { changes, isFull } = await read(store, from);
  t.deepEqual(changes, [change('c', 3)]);
  t.true(isFull);
});

test('a key that comes twice counts once, at its last place', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 3)] },
    { changes: [change('a', 7)] },
  );
  t.deepEqual((await read(store, from)).changes, [change('b', 3), change('a', 7)]);
});

test('a reading that starts from nothing is the whole state', async (t) => {
  t.true((await read(storeOf({}).store, ZERO)).isFull);
});

test('a full sync discards the pages before it, and keeps its horizon', async (t) => {
  const { store, asked } = storeOf(
    { more: true, changes: [change('old', 2)] },
    { more: true, full: true, changes: [change('a', 5)], head: { ...HEAD, horizon: 4 } },
    { changes: [change('b', 8)], head: { ...HEAD, horizon: 6, revision: 10 } },
  );
  const { changes, isFull, head } = await read(store, from);
  t.true(isFull);
  t.deepEqual(changes, [change('a', 5), change('b', 8)]);
  t.is(head.revision, 10, 'the head is that of the last page');
  t.deepEqual(
    asked.map(({ options }) => options.horizon),
    [0, 0, 4],
  );
});

test('damage in one page counts for all pages, until a full sync starts over', async (t) => {
  const damaged = { ...HEAD, keysLost: true };
  const pages: Partial<Page>[] = [
    { more: true, head: damaged, changes: [change('a', 2)] },
    { changes: [change('b', 3)] },
  ];
  t.true((await read(storeOf(...pages).store, from)).head.keysLost);
  pages[1] = { full: true, changes: [change('b', 3)] };
  t.false((await read(storeOf(...pages).store, from)).head.keysLost);
});

test('the reading gives up a state that is replaced again and again', async (t) => {
  const { store, asked } = storeOf({ full: true, more: true, changes: [change('a', 2)] });
  await t.throwsAsync(read(store, from), { code: 'HEAD_MOVED' });
  t.true(asked.length <= 20);
});

test('each page is taken, and an error that the taking throws ends the reading', async (t) => {
  const { store } = storeOf({ more: true, changes: [change('a', 2)] }, { changes: [change('b', 3)] });
  let pages = 0;
  await read(store, from, {}, () => void (pages += 1));
  t.is(pages, 2);
  const called = new Error('called off');
  const callOff = (): never => {
    throw called;
  };
  await t.throwsAsync(read(store, from, {}, callOff), { is: called });
});

test('a state that makes no sense does not keep its reader forever', async (t) => {
  const { store, asked } = storeOf({ more: true, head: { ...HEAD, keysLost: true } });
  const onPage = (): void => {
    if (asked.length > 1_000) throw new Error('enough');
  };
  await read(store, from, {}, onPage).catch(() => {});
  t.true(asked.length <= 100, `asked ${asked.length} times`);
});

const out = new Error('out');

test('a page that failed is asked for again, smaller, and nothing is lost or doubled', async (t) => {
  const { store, asked, limits } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    out,
    out,
    { more: true, changes: [change('c', 6)] },
    { changes: [change('d', 8)] },
  );
  const bookmark = new Bookmark(from);
  const { taken, gatherer } = gathererOf();
  await t.throwsAsync(gather(store, bookmark, gatherer), { is: out });
  t.deepEqual(taken, [change('a', 2), change('b', 4)], 'the page before was taken whole');
  t.deepEqual(bookmark.position, { epoch: 5, revision: 4 });
  await t.throwsAsync(gather(store, bookmark, gatherer), { is: out });
  const { isFull } = await gather(store, bookmark, gatherer);
  t.false(isFull);
  t.deepEqual(
    taken.map(({ revision }) => revision),
    [2, 4, 6, 8],
  );
  t.deepEqual(
    asked.map(({ position }) => position.revision),
    [1, 4, 4, 4, 6],
  );
  t.deepEqual(limits, [250, 500, 250, 125, 250]);
});

test('a full sync goes on after a failure, with the horizon at which it began', async (t) => {
  const { store, asked } = storeOf(
    { more: true, full: true, changes: [change('a', 2)], head: { ...HEAD, horizon: 4 } },
    out,
    { changes: [change('b', 8)], head: { ...HEAD, horizon: 6 } },
  );
  const bookmark = new Bookmark(from);
  const { taken, gatherer } = gathererOf();
  await t.throwsAsync(gather(store, bookmark, gatherer), { is: out });
  t.true((await gather(store, bookmark, gatherer)).isFull);
  t.deepEqual(taken, [change('a', 2), change('b', 8)]);
  t.deepEqual(asked[2], {
    position: { epoch: 5, revision: 2 },
    options: { horizon: 4, seen: 5, isDoubted: false, withTimes: false },
  });
});

test('a store that went back between two tries has what was taken dropped', async (t) => {
  const { store, asked } = storeOf(
    { more: true, changes: [change('a', 2)] },
    out,
    { more: true, changes: [change('b', 4)], head: { ...HEAD, revision: 8 } },
    { changes: [change('c', 5)], head: { ...HEAD, revision: 8 } },
  );
  const bookmark = new Bookmark(from);
  const { taken, gatherer } = gathererOf();
  await t.throwsAsync(gather(store, bookmark, gatherer), { is: out });
  await t.throwsAsync(gather(store, bookmark, gatherer), { code: 'ROLLED_BACK' });
  t.deepEqual(taken, []);
  await gather(store, bookmark, gatherer);
  t.deepEqual(asked.at(-1)?.position, from, 'the reading begins where the reader was');
  t.deepEqual(taken, [change('c', 5)]);
});

test('the next page is on its way while one is taken', async (t) => {
  const { store, asked } = storeOf({ more: true, changes: [change('a', 2)] }, { changes: [change('b', 3)] });
  const askedAtTake: number[] = [];
  const gatherer: Gatherer = {
    restart: () => {},
    *take() {
      askedAtTake.push(asked.length);
      yield;
    },
  };
  await gather(store, new Bookmark(from), gatherer);
  t.deepEqual(askedAtTake, [2, 2]);
});

test('a reading that is called off leaves the page that it was taking to the next one', async (t) => {
  const pages = [{ more: true, changes: [change('a', 2)] }, { changes: [change('b', 3), change('c', 4)] }];
  const { store } = storeOf(...pages, pages[1]!);
  const calledOff = new AbortController();
  const { taken, gatherer } = gathererOf();
  const bookmark = new Bookmark(from);
  const single = new Slices(systemTime, { steps: () => 1 });
  const aborting: Gatherer = {
    restart: () => gatherer.restart(),
    *take(changes) {
      for (const _ of gatherer.take(changes)) {
        if (taken.length === 2) calledOff.abort(out);
        yield;
      }
    },
  };
  const options = { signal: calledOff.signal };
  await t.throwsAsync(gatherSince(store, single, 'space', bookmark, aborting, options), { is: out });
  t.deepEqual(bookmark.position, { epoch: 5, revision: 2 });
  await gather(store, bookmark, gatherer);
  t.deepEqual(
    taken.map(({ key }) => key),
    ['a', 'b', 'b', 'c'],
  );
});

const late = new TandemError('REDIS_UNAVAILABLE', 'late');

test('a reader rests before it asks again for a page that came too late', async (t) => {
  const { store, asked, link } = storeOf(late, late, { more: true, changes: [change('a', 2)] }, late, {
    changes: [change('b', 3)],
  });
  link.up = true;
  const { gatherer, taken } = gathererOf();
  const rests: [number, number][] = [];
  const rest = async (failures: number): Promise<void> => void rests.push([failures, asked.length]);
  await gatherSince(store, slices, 'space', new Bookmark(from), gatherer, { rest });
  t.deepEqual(rests, [
    [1, 1],
    [2, 2],
    [1, 4],
  ]);
  t.is(taken.length, 2);
});

test('a page that came too late over a link that is up is asked for again at once, smaller', async (t) => {
  const { store, limits, link, asked } = storeOf(
    late,
    { more: true, changes: [change('a', 2)] },
    late,
    late,
    late,
    { changes: [change('b', 3)] },
  );
  link.up = true;
  const options = { isDoubted: true };
  const { changes } = await read(store, from, options);
  t.deepEqual(changes, [change('a', 2), change('b', 3)]);
  t.deepEqual(limits, [250, 125, 250, 125, 62, 31]);
  t.deepEqual(
    asked.map(({ options: { isDoubted } }) => isDoubted),
    [true, true, undefined, undefined, undefined, undefined],
    'the doubt is said until a page has come',
  );
});

test('a page that never comes in time ends the reading', async (t) => {
  const { store, limits, link } = storeOf(late);
  link.up = true;
  await t.throwsAsync(read(store, from), { is: late });
  t.is(limits.length, 4);
});
