/** JSON Lines of a space: what is wrong is refused by the number of its line. */
import test from 'ava';
import { ChangeTimes } from '../../src/state/change-times.ts';
import { DUMP_FORMAT, DumpReader, linesIn } from '../../src/cli/dump.ts';
import { keyPatternOf, watchable } from '../../src/cli/key-pattern.ts';
import { storedLine } from '../../src/cli/stored-line.ts';

const HEADER = JSON.stringify({ format: DUMP_FORMAT, space: 'trading', position: '1-2', keys: 2 });

function read(...lines: readonly string[]) {
  const reader = new DumpReader((_, value) => {
    if (value === 'refused') throw new Error('it is refused');
  });
  for (const line of lines) reader.take(line);
  return reader.end();
}

test('a header and its keys are read', (t) => {
  const { header, values } = read(HEADER, '{"key":"a","value":1}', '{"key":"b","value":null}', '');
  t.like(header, { space: 'trading', position: '1-2', keys: 2 });
  t.deepEqual(
    [...values],
    [
      ['a', 1],
      ['b', null],
    ],
  );
});

test('a line that is wrong is refused by its number', (t) => {
  const wrong: [lines: string[], said: RegExp][] = [
    [[], /^nothing was piped in/],
    [['{'], /^line 1: it is no JSON/],
    [['[]'], /^line 1: it is no object/],
    [['{"format":"other"}'], /^line 1: expected a header/],
    [
      [`{"format":"${DUMP_FORMAT}","space":"x","position":"1-2","keys":-1}`],
      /^line 1: expected a header with/,
    ],
    [[HEADER, 'oops'], /^line 2: it is no JSON/],
    [[HEADER, '{"key":"a"}'], /^line 2: expected \{"key"/],
    [[HEADER, '{"value":1}'], /^line 2: expected \{"key"/],
    [[HEADER, '{"key":"","value":1}'], /^line 2: its key is none: it is empty/],
    [[HEADER, '{"key":"a*","value":1}'], /^line 2: its key is none/],
    [[HEADER, '{"key":"a","value":1}', '{"key":"a","value":1}'], /^line 3: key "a" came before/],
    [[HEADER, '', '{"key":"a","value":"refused"}'], /^line 3: it is refused/],
    [[HEADER, '{"key":"a","value":1}'], /^line 2: the header promises 2 keys, and 1 came/],
  ];
  for (const [lines, message] of wrong) t.throws(() => read(...lines), { message }, message.source);
});

test('lines come out of pieces of any length, with either line break', async (t) => {
  async function* pieces() {
    yield* ['a', 'b\nc\r', '\n', '\nlast'];
  }
  const lines: string[] = [];
  for await (const line of linesIn(pieces())) lines.push(line);
  t.deepEqual(lines, ['ab', 'c', '', 'last']);
});

test('a key, a prefix and a star are patterns of keys', (t) => {
  t.is(watchable(keyPatternOf(undefined)), '*');
  t.is(watchable(keyPatternOf('*')), '*');
  t.is(watchable(keyPatternOf('strategy/')), 'strategy/*');
  t.is(watchable(keyPatternOf('strategy/*')), 'strategy/*');
  t.is(watchable(keyPatternOf('strategy/a')), 'strategy/a');
  for (const text of ['', 'a*b', 'a\n']) t.throws(() => keyPatternOf(text), { message: /^KEY: / });
});

test('a stored line has the epoch of its revision, and says what is no JSON', (t) => {
  const line = { epoch: 9, base: { epoch: 5, revision: 3 } };
  const times = ChangeTimes.of('2@1764000000000,1');
  t.deepEqual(storedLine(line, 'a', { revision: 3, json: '1' }, times), {
    key: 'a',
    value: 1,
    position: '5-3',
    changedAt: 1_764_000_000_000,
  });
  t.deepEqual(storedLine(line, 'a', { revision: 4, json: '{' }, times), {
    key: 'a',
    unreadable: '{',
    position: '9-4',
    changedAt: undefined,
  });
});
