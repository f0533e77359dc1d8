/** A gathering: what is read page by page becomes a draft, whatever comes twice, and whatever is refused. */
import test from 'ava';
import { z } from 'zod';
import type { Sliced } from '../../src/base/slices.ts';
import { finish } from '../../src/base/slices.ts';
import { Gathering } from '../../src/follower/gathering.ts';
import { Refusals } from '../../src/follower/refusals.ts';
import { ValueReader } from '../../src/follower/value-reader.ts';
import type { Change } from '../../src/state/change.ts';
import { hashOf } from '../../src/state/digest.ts';
import { defineSpace } from '../../src/state/space.ts';
import { FakeTime } from '../../src/base/fake-time.ts';

const LINE = { epoch: 5, base: { epoch: 3, revision: 2 } };

function newBench() {
  const shown = new Refusals();
  const reported: unknown[] = [];
  const space = defineSpace('space', { 'key/*': z.number() });
  const reporter = { report: (error: unknown) => void reported.push(error) };
  const values = new ValueReader(space, reporter, { rejected: () => {} });
  const gathering = new Gathering(values, new FakeTime(), { shown: () => shown, line: () => LINE });
  return { gathering, shown, reported };
}

const change = (key: string, revision: number, json = `${revision}`): Change => ({ key, revision, json });

/** Does so many steps of work, and calls it off. */
function callOff(work: Sliced<void>, steps: number): void {
  for (let step = 0; step < steps; step += 1) work.next();
  work.return();
}

test('a page whose taking was called off comes again, and nothing of it counts twice', (t) => {
  const { gathering } = newBench();
  const page = [change('key/a', 1), change('key/b', 2), change('other', 3), change('key/c', 4)];
  callOff(gathering.take(page), 3);
  finish(gathering.take(page));
  finish(gathering.take([change('key/a', 6)]));
  const { draft } = gathering;
  t.deepEqual(
    [...draft.map.snapshot()].map(({ key, revision, epoch, value }) => [key, revision, epoch, value]),
    [
      ['key/b', 2, 3, 2],
      ['key/c', 4, 5, 4],
      ['key/a', 6, 5, 6],
    ],
  );
  t.deepEqual([...draft.unread], [['other', hashOf('other', 3, '3')]]);
});

test('a refused value is reported once, and refused until a readable one comes', (t) => {
  const { gathering, shown, reported } = newBench();
  finish(gathering.take([change('key/a', 1), change('key/a', 2, '"no"'), change('key/b', 3, '"no"')]));
  t.is(reported.length, 2);
  t.deepEqual([...gathering.refusals.keys()], ['key/a', 'key/b']);
  t.is(gathering.draft.map.get('key/a')?.value, 1, 'the last value that could be read');
  t.true(shown.isEmpty, 'nobody sees it yet');
  gathering.restart();
  t.true(gathering.refusals.isEmpty);
  t.is(gathering.draft.keys, 0);
  finish(gathering.take([change('key/a', 2, '"no"'), change('key/b', 4)]));
  t.is(reported.length, 2, 'the same value again');
  finish(gathering.take([change('key/a', 5)]));
  t.true(gathering.refusals.isEmpty);
});
