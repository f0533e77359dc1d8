/** The loader: the state of a first claim is read in pages, checked by its schemas, and made in slices. */
import test from 'ava';
import * as z from 'zod';
import type { Context } from '../../src/actor/context.ts';
import { finish, Slices } from '../../src/base/slices.ts';
import { systemTime } from '../../src/base/time.ts';
import { Loader } from '../../src/owner/loader.ts';
import type { Standby } from '../../src/owner/standby.ts';
import type { Start } from '../../src/owner/takeover.ts';
import { takeOver } from '../../src/owner/takeover.ts';
import type { Head, Page, Store } from '../../src/ports/store.ts';
import type { Change } from '../../src/state/change.ts';
import { ChangeTimes } from '../../src/state/change-times.ts';
import { Ledger } from '../../src/state/ledger.ts';
import type { Position } from '../../src/state/position.ts';
import { defineSpace } from '../../src/state/space.ts';

const SPACE = defineSpace('trading', { 'count/*': z.number() });
const HEAD = {
  epoch: 5,
  revision: 9,
  base: { epoch: 3, revision: 2 },
  fence: 7,
  horizon: 4,
  keysLost: false,
};
const LINE = { epoch: 7, base: { epoch: 5, revision: 9 } };

const change = (key: string, revision: number, json = '1'): Change => ({ key, revision, json });

/** A loader whose store answers with these pages, or fails; what it asks for and reports is written down. */
function loaderOf(...pages: (readonly Change[] | Error)[]) {
  const asked: number[] = [];
  const reported: unknown[] = [];
  const since = (_: string, { revision }: Position): Promise<Page> => {
    const page = pages[Math.min(asked.length, pages.length - 1)]!;
    asked.push(revision);
    if (page instanceof Error) return Promise.reject(page);
    const head = HEAD as unknown as Head;
    return Promise.resolve({ head, full: revision === 0, more: asked.length < pages.length, changes: page });
  };
  const runtime = { store: { since } as unknown as Store, slices: new Slices(systemTime), time: systemTime };
  const reporter = { report: (error: unknown) => void reported.push(error) };
  const context = { space: 'trading', runtime, reporter } as unknown as Context;
  const loader = new Loader(SPACE, context, LINE);
  const read = () => loader.read(new AbortController().signal);
  const decide =
    (standby?: Standby, keysLost = false) =>
    (): Start =>
      takeOver(7, { ...HEAD, keysLost, top: loader.top }, standby);
  return { loader, read, decide, asked, reported };
}

/** A standby at a position, with these changes. */
function standbyAt(position: Position, ...changes: readonly Change[]): Standby {
  const since = (after: number) => changes.filter(({ revision }) => revision > after);
  const times = new ChangeTimes();
  return { position, canContinue: () => true, changes: since, times } as unknown as Standby;
}

function adopted(ledger: Ledger, { loader, decide }: ReturnType<typeof loaderOf>, standby?: Standby): Ledger {
  ledger.adopt(finish(loader.finish(ledger, decide(standby), standby)));
  return ledger;
}

const stateOf = (ledger: Ledger): Record<string, string | undefined> =>
  Object.fromEntries([...ledger.entries()].map(({ key, value }) => [key, value?.json]));

test('a reading that failed goes on where it was, and loses nothing', async (t) => {
  const rig = loaderOf([change('count/a', 1), change('count/b', 2)], new Error('out'), [
    change('count/c', 9),
  ]);
  await t.throwsAsync(rig.read, { message: 'out' });
  await rig.read();
  t.deepEqual(rig.asked, [0, 2, 2]);
  const ledger = adopted(new Ledger(), rig);
  t.deepEqual(stateOf(ledger), { 'count/a': '1', 'count/b': '1', 'count/c': '1' });
  t.deepEqual(ledger.head, { epoch: 7, revision: 9 });
});

test('a value that its schema refuses is deleted before anybody sees it, and reported', async (t) => {
  const rig = loaderOf([change('count/a', 1, '"no number"'), change('later/version', 2, '"kept"')]);
  await rig.read();
  const ledger = adopted(new Ledger(), rig);
  t.deepEqual(stateOf(ledger), { 'later/version': '"kept"' });
  t.deepEqual(ledger.changesSince(9), [{ key: 'count/a', revision: 10, json: '' }]);
  t.is(rig.reported.length, 1);
});

test('a refused value is passed over where something was set in its place, or it came again', async (t) => {
  const rig = loaderOf(
    [change('count/a', 1, '"no number"'), change('count/b', 2, '"no number"')],
    [change('count/b', 9, '5')],
  );
  await rig.read();
  const ledger = new Ledger();
  ledger.set('count/a', '7');
  adopted(ledger, rig);
  t.deepEqual(stateOf(ledger), { 'count/a': '7', 'count/b': '5' });
  t.deepEqual(rig.reported, []);
});

test('what a standby has beyond the store comes on top, deletes too', async (t) => {
  const rig = loaderOf([change('count/a', 1), change('count/b', 9)]);
  await rig.read();
  const standby = standbyAt({ epoch: 5, revision: 11 }, change('count/a', 10, ''), change('count/c', 11));
  const ledger = adopted(new Ledger(), rig, standby);
  t.deepEqual(stateOf(ledger), { 'count/b': '1', 'count/c': '1' });
  t.is(ledger.horizon, 4);
});

test('where the standby is an epoch ahead, nothing of what was read is left', async (t) => {
  const rig = loaderOf([change('count/a', 1), change('count/b', 9)]);
  await rig.read();
  const ledger = adopted(new Ledger(), rig, standbyAt({ epoch: 6, revision: 3 }, change('count/c', 3)));
  t.deepEqual(stateOf(ledger), { 'count/c': '1' });
  t.is(ledger.get('count/c')?.epoch, 6);
  t.deepEqual(ledger.head, { epoch: 7, revision: 3 });
});

test('where keys were lost and nobody stood by, the keys that are left are of the new epoch', async (t) => {
  const rig = loaderOf([change('count/a', 1)]);
  await rig.read();
  const ledger = new Ledger();
  ledger.adopt(finish(rig.loader.finish(ledger, rig.decide(undefined, true), undefined)));
  t.is(ledger.get('count/a')?.epoch, 7);
  t.deepEqual(ledger.changesSince(4), []);
});
