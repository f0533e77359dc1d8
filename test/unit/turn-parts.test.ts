/** The parts of a large turn: read aside, in order, and given away whole or not at all. */
import test from 'ava';
import { Slices } from '../../src/base/slices.ts';
import { TurnParts } from '../../src/follower/turn-parts.ts';
import { Gathering } from '../../src/follower/gathering.ts';
import { Refusals } from '../../src/follower/refusals.ts';
import type { ValueReader } from '../../src/follower/value-reader.ts';
import type { Part } from '../../src/state/part.ts';
import { MAX_TURN_CHANGES } from '../../src/state/part.ts';
import { ZERO } from '../../src/state/position.ts';
import { systemTime } from '../../src/base/time.ts';

const LINE = { epoch: 7, base: ZERO };

function newParts(): TurnParts {
  const time = systemTime;
  const values = { read: ({ json }: { json: string }): unknown => json } as unknown as ValueReader;
  const shown = (): Refusals => new Refusals();
  return new TurnParts(new Slices(time), (line) => new Gathering(values, time, { shown, line }));
}

const part = (number: number, over: Partial<Part> = {}): Part => ({
  ...LINE,
  attempt: 'x',
  number,
  changes: [{ key: `key/${number}`, revision: number, json: '1' }],
  ...over,
});

test('the parts of a turn are gathered in order, and given away once', async (t) => {
  const parts = newParts();
  for (const number of [1, 2, 3]) t.true(parts.add(part(number), 20));
  const gathering = await parts.gathered(LINE, { attempt: 'x', parts: 3 });
  t.is(gathering?.draft.keys, 3);
  t.is(await parts.gathered(LINE, { attempt: 'x', parts: 3 }), undefined);
});

for (const [what, come] of [
  ['a part is missing', [part(1), part(3)]],
  ['the first part is missing', [part(2), part(3)]],
  ['the last part is missing', [part(1), part(2)]],
  ['a part came twice', [part(1), part(2), part(2), part(3)]],
  ['a part is of another attempt', [part(1), part(2, { attempt: 'y' }), part(3)]],
  ['a part is of another epoch', [part(1), part(2, { epoch: 8 }), part(3)]],
  ['parts are not in revision order', [part(1, { changes: part(9).changes }), part(2), part(3)]],
  ['there is no part at all', []],
] as const)
  test(`where ${what}, nothing is given away`, async (t) => {
    const parts = newParts();
    for (const one of come) parts.add(one, 20);
    t.is(await parts.gathered(LINE, { attempt: 'x', parts: 3 }), undefined);
  });

test('a later attempt takes the place of an earlier one', async (t) => {
  const parts = newParts();
  parts.add(part(1), 20);
  t.true(parts.add(part(1, { attempt: 'y' }), 20));
  t.is((await parts.gathered(LINE, { attempt: 'y', parts: 1 }))?.draft.keys, 1);
});

test('what is kept of a turn is bounded', (t) => {
  const parts = newParts();
  t.true(parts.add(part(1), 60_000_000));
  t.false(parts.add(part(2), 60_000_000));
  const many = Array.from({ length: MAX_TURN_CHANGES + 1 }, (_, n) => ({
    key: 'k',
    revision: n + 1,
    json: '1',
  }));
  t.false(parts.add(part(1, { changes: many }), 20));
});
