/** Positions: printing, parsing, order, and which position may continue in which line. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { Line, Position } from '../../src/state/position.ts';
import {
  compare,
  comparePositions,
  continues,
  isSame,
  parsePosition,
  printPosition,
  ZERO,
} from '../../src/state/position.ts';
import { assertThrows, check } from '../_check.ts';

const count = fc.maxSafeNat();
const position = fc.record({ epoch: count, revision: count }, { noNullPrototype: true });

test('a position is printed as its epoch and its revision', (t) => {
  t.is(printPosition({ epoch: 1764000000000, revision: 42 }), '1764000000000-42');
  t.is(printPosition(ZERO), '0-0');
});

test('parsing gives back the position that was printed', (t) =>
  check(
    t,
    fc.property(position, (one) => {
      assert.deepEqual(parsePosition(printPosition(one)), one);
    }),
  ));

for (const wrong of [
  '',
  '-',
  '1',
  '1-',
  '-1',
  '1-2-3',
  '01-2',
  '1-02',
  '+1-2',
  '1--2',
  ' 1-2',
  '1-2\n',
  '1.5-2',
  '1e3-2',
  '0x1-2',
  '٣-1',
  '9007199254740992-1',
  '1-9007199254740992',
  '1-99999999999999999999',
]) {
  test(`${JSON.stringify(wrong)} is not a position`, (t) => {
    t.throws(() => parsePosition(wrong), {
      code: 'INVALID_POSITION',
      message: /expected a position such as/,
    });
  });
}

for (const [what, wrong] of [
  ['a number', 12],
  ['undefined', undefined],
  ['null', null],
  ['an object', { epoch: 1, revision: 2 }],
  ['an array that prints as one', ['1-2']],
] as const) {
  test(`${what} is not a position`, (t) => {
    t.throws(() => parsePosition(wrong as never), { code: 'INVALID_POSITION' });
  });
}

test('a BigInt is not a position', (t) => {
  t.throws(() => parsePosition(5n as never), { code: 'INVALID_POSITION' });
});

test('parsing throws nothing but INVALID_POSITION, for any text', (t) =>
  check(
    t,
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9-]{1,40}$/)), (text) => {
      let parsed: Position | undefined;
      try {
        parsed = parsePosition(text);
      } catch (error) {
        assertThrows(() => {
          throw error;
        }, 'INVALID_POSITION');
      }
      if (parsed !== undefined) assert.equal(printPosition(parsed), text);
    }),
  ));

test('the epoch decides the order, then the revision', (t) => {
  t.is(comparePositions('1-9', '2-1'), -1);
  t.is(comparePositions('2-1', '1-9'), 1);
  t.is(comparePositions('2-1', '2-10'), -1);
  t.is(comparePositions('2-10', '2-10'), 0);
  t.throws(() => comparePositions('2-1', 'x'), { code: 'INVALID_POSITION' });
});

test('positions are totally ordered, printed ones in the same order', (t) =>
  check(
    t,
    fc.property(position, position, position, (a, b, c) => {
      const printed = comparePositions(printPosition(a), printPosition(b));
      assert.equal(Math.sign(compare(a, b)), printed);
      // Not by negation: that would turn 0 into -0.
      assert.equal(Math.sign(compare(b, a)) + printed, 0);
      assert.equal(compare(a, b) === 0, isSame(a, b));
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
    }),
  ));

test('a position in the line continues, wherever it is', (t) => {
  const line: Line = { epoch: 7, base: { epoch: 5, revision: 20 } };
  t.true(continues({ epoch: 7, revision: 0 }, line));
  t.true(continues({ epoch: 7, revision: 1e9 }, line));
});

test('a position at or before the base, in the epoch that the line continues, continues', (t) => {
  const line: Line = { epoch: 7, base: { epoch: 5, revision: 20 } };
  t.true(continues({ epoch: 5, revision: 20 }, line));
  t.true(continues({ epoch: 5, revision: 3 }, line));
});

test('a position past the base, or from another line, starts over', (t) => {
  const line: Line = { epoch: 7, base: { epoch: 5, revision: 20 } };
  t.false(continues({ epoch: 5, revision: 21 }, line));
  t.false(continues({ epoch: 6, revision: 3 }, line));
  t.false(continues({ epoch: 4, revision: 3 }, line));
  t.false(continues({ epoch: 8, revision: 3 }, line));
});

/** Lines one after another, each continuing from some position of the one before it. */
const lines = fc
  .array(fc.record({ goesBack: fc.nat(5), goesOn: fc.nat(6), skips: fc.integer({ min: 1, max: 3 }) }), {
    minLength: 1,
    maxLength: 8,
  })
  .map((steps) => {
    const made: { line: Line; end: number }[] = [];
    let before: Position = ZERO;
    for (const { goesBack, goesOn, skips } of steps) {
      const base = { epoch: before.epoch, revision: Math.max(0, before.revision - goesBack) };
      const epoch = before.epoch + skips;
      made.push({ line: { epoch, base }, end: base.revision + goesOn });
      before = { epoch, revision: base.revision + goesOn };
    }
    return made;
  });

test("a position continues in a line only if everything before it is that line's history", (t) =>
  check(
    t,
    fc.property(lines, (made) => {
      const byEpoch = new Map(made.map((one) => [one.line.epoch, one]));
      /** The epoch that made each revision up to here. */
      const historyAt = ({ epoch, revision }: Position): number[] => {
        const one = byEpoch.get(epoch);
        if (one === undefined) return [];
        const { base } = one.line;
        const past = historyAt({ epoch: base.epoch, revision: Math.min(base.revision, revision) });
        while (past.length < revision) past.push(epoch);
        return past;
      };
      for (const { line, end } of made) {
        const history = historyAt({ epoch: line.epoch, revision: end });
        for (const other of made) {
          for (let revision = 0; revision <= other.end; revision += 1) {
            const at = { epoch: other.line.epoch, revision };
            if (other.line.epoch > line.epoch || !continues(at, line)) continue;
            if (at.epoch === line.epoch && revision > end) continue;
            const seen = historyAt(at);
            assert.deepEqual(seen, history.slice(0, seen.length), `${printPosition(at)} in ${line.epoch}`);
          }
        }
      }
    }),
  ));
