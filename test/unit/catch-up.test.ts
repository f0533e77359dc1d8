/**
 * Reading changes in pages as if they were one. These pages are made up; the contract suite reads real ones.
 */
import test from 'ava';
import { readSince } from '../../src/follower/catch-up.ts';
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
  now: 1,
};

const change = (key: string, revision: number): Change => ({ key, revision, json: `${revision}` });

/** A store that answers with these pages, and records the requests. */
function storeOf(...pages: Partial<Page>[]) {
  const asked: { position: Position; options: SinceOptions }[] = [];
  const since = (_: string, position: Position, __: number, options: SinceOptions = {}): Promise<Page> => {
    const page = pages[Math.min(asked.length, pages.length - 1)];
    asked.push({ position, options });
    return Promise.resolve({ head: HEAD, full: false, more: false, changes: [], ...page });
  };
  return { store: { since } as unknown as Store, asked };
}

const from = { epoch: 3, revision: 1 };

test('a page that is not full ends the reading', async (t) => {
  const { store, asked } = storeOf({ changes: [change('a', 2)] });
  const batch = await readSince(store, 'space', from);
  t.deepEqual(batch, { head: HEAD, isFull: false, changes: [change('a', 2)] });
  t.deepEqual(asked, [{ position: from, options: { horizon: 0, seen: 3, isDoubted: false } }]);
});

test('the next request starts at the last change, in the epoch of the head', async (t) => {
  const { store, asked } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { changes: [change('c', 6)] },
  );
  const { changes, isFull } = await readSince(store, 'space', from);
  t.deepEqual(changes, [change('a', 2), change('b', 4), change('c', 6)]);
  t.false(isFull);
  t.deepEqual(asked[1]?.position, { epoch: 5, revision: 4 });
});

test('a state that was rolled back between two pages is not mixed from both', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { head: { ...HEAD, revision: 8 }, changes: [change('c', 8)] },
  );
  await t.throwsAsync(readSince(store, 'space', from), { code: 'ROLLED_BACK' });
});

test('after a rollback, a page with the whole state counts from there', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 4)] },
    { head: { ...HEAD, revision: 3 }, full: true, changes: [change('c', 3)] },
  );
  const { changes, isFull } = await readSince(store, 'space', from);
  t.deepEqual(changes, [change('c', 3)]);
  t.true(isFull);
});

test('a key that comes twice counts once, at its last place', async (t) => {
  const { store } = storeOf(
    { more: true, changes: [change('a', 2), change('b', 3)] },
    { changes: [change('a', 7)] },
  );
  t.deepEqual((await readSince(store, 'space', from)).changes, [change('b', 3), change('a', 7)]);
});

test('a reading that starts from nothing is the whole state', async (t) => {
  t.true((await readSince(storeOf({}).store, 'space', ZERO)).isFull);
});

test('a full sync discards the pages before it, and keeps its horizon', async (t) => {
  const { store, asked } = storeOf(
    { more: true, changes: [change('old', 2)] },
    { more: true, full: true, changes: [change('a', 5)], head: { ...HEAD, horizon: 4 } },
    { changes: [change('b', 8)], head: { ...HEAD, horizon: 6, revision: 10 } },
  );
  const { changes, isFull, head } = await readSince(store, 'space', from);
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
  t.true((await readSince(storeOf(...pages).store, 'space', from)).head.keysLost);
  pages[1] = { full: true, changes: [change('b', 3)] };
  t.false((await readSince(storeOf(...pages).store, 'space', from)).head.keysLost);
});

test('the reading gives up a state that is replaced again and again', async (t) => {
  const { store, asked } = storeOf({ full: true, more: true, changes: [change('a', 2)] });
  await t.throwsAsync(readSince(store, 'space', from), { code: 'HEAD_MOVED' });
  t.true(asked.length <= 20);
});

test('the callback runs after each page, and an error that it throws ends the reading', async (t) => {
  const { store } = storeOf({ more: true, changes: [change('a', 2)] }, { changes: [change('b', 3)] });
  let pages = 0;
  await readSince(store, 'space', from, { onPage: () => Promise.resolve(void (pages += 1)) });
  t.is(pages, 2);
  const called = new Error('called off');
  await t.throwsAsync(readSince(store, 'space', from, { onPage: () => Promise.reject(called) }), {
    is: called,
  });
});

test('a state that makes no sense does not keep its reader forever', async (t) => {
  const { store, asked } = storeOf({ more: true, head: { ...HEAD, keysLost: true } });
  const onPage = (): Promise<void> =>
    asked.length > 1_000 ? Promise.reject(new Error('enough')) : Promise.resolve();
  await readSince(store, 'space', from, { onPage }).catch(() => {});
  t.true(asked.length <= 100, `asked ${asked.length} times`);
});
