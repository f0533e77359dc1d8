/** Frames: decoding gives back what was published, and refuses every text that cannot be a frame. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { TandemError } from '../../src/base/errors.ts';
import type { Frame } from '../../src/state/frame.ts';
import type { Header } from '../../src/state/header.ts';
import { encodeFence } from '../../src/state/fence.ts';
import { encodeFrame, MAX_PUBLISHED_LENGTH } from '../../src/state/frame.ts';
import { decodeFrame, decodeMessage } from '../../src/state/message.ts';
import { decodeFence } from '../_messages.ts';
import { decodePage } from '../../src/state/change.ts';
import { encodeHeader } from '../../src/state/header.ts';
import { printPosition } from '../../src/state/position.ts';
import { keyProblem } from '../../src/state/key.ts';
import { MAX_VALUE_LENGTH } from '../../src/state/value.ts';
import { assertThrows, check } from '../_check.ts';

const HEADER = {
  v: 3,
  epoch: 9,
  base: '7-10',
  prev: 10,
  revision: 12,
  cutAt: 1764500,
  leaseMs: 3000,
  kind: 'c',
  measures: undefined as string | undefined,
};

/** A message with these fields in its header, the other fields unchanged, and these lines after it. */
function message(
  fields: { [K in keyof typeof HEADER]?: unknown } = {},
  lines: readonly string[] = [],
): string {
  const header = Object.values({ ...HEADER, ...fields }).filter((field) => field !== undefined);
  return ['1764000000 125', header.map(String).join(' '), ...lines].join('\n');
}

const key = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
    fc.constantFrom('strategy/a', '__proto__'),
  )
  .filter((one) => keyProblem(one) === undefined);

const frames: fc.Arbitrary<Frame> = fc
  .record({
    epoch: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    baseEpoch: fc.nat(),
    prev: fc.nat(),
    beyond: fc.nat(5),
    leaseMs: fc.nat(),
    bye: fc.boolean(),
    cutAt: fc.double({ min: 0, max: 4e12, noNaN: true }).map((ms) => Math.floor(ms * 1000) / 1000),
    publishedAt: fc.integer({ min: 1, max: 4e12 }),
    changed: fc.uniqueArray(
      fc.record({ key, step: fc.integer({ min: 1, max: 9 }), json: fc.option(fc.json()) }),
      {
        selector: (one) => one.key,
        maxLength: 8,
      },
    ),
  })
  .map(({ epoch, baseEpoch, prev, beyond, leaseMs, bye, cutAt, publishedAt, changed }) => {
    let revision = prev;
    const changes = changed.map((one) => ({
      key: one.key,
      revision: (revision += one.step),
      json: one.json ?? '',
    }));
    const base = { epoch: Math.min(baseEpoch, epoch - 1), revision: prev };
    return { epoch, base, prev, revision: revision + beyond, leaseMs, bye, cutAt, publishedAt, changes };
  });

/** The rest of a frame that was not announced, in a process without telemetry. */
const UNMEASURED = {
  isAhead: false,
  digest: undefined,
  heartbeatMs: undefined,
  setAt: undefined,
  setErrorMs: undefined,
  times: undefined,
  trace: undefined,
  turn: undefined,
};

const encode = ({ publishedAt, changes, ...header }: Frame): string =>
  encodeFrame(publishedAt, header, changes);

test('decoding gives back a frame as it was published', (t) =>
  check(
    t,
    fc.property(frames, (frame) => {
      assert.deepEqual(decodeFrame(encode(frame)), { ...UNMEASURED, ...frame });
    }),
  ));

test('a heartbeat is a frame without changes', (t) => {
  const frame = decodeFrame(message({ prev: 12 }));
  t.deepEqual(frame.changes, []);
  t.is(frame.prev, frame.revision);
  t.false(frame.bye);
});

test('goodbyes and announcements are marked, and other frames are not', (t) => {
  const base = { epoch: 7, revision: 1 };
  const header = { epoch: 9, base, prev: 2, revision: 2, cutAt: 1, leaseMs: 0, bye: false };
  const read = (one: Header): Frame => decodeFrame(`1 0\n${encodeHeader(one)}`);
  for (const one of [header, { ...header, setAt: 5.125, setErrorMs: 0.5 }]) {
    t.deepEqual(read(one), { ...UNMEASURED, ...one, publishedAt: 1_000, changes: [] });
    t.true(read({ ...one, bye: true }).bye);
    t.true(read({ ...one, isAhead: true }).isAhead);
    t.false(read({ ...one, isAhead: true }).bye);
  }
});

test('a frame carries its span, and a malformed span is left out', (t) => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
  const sent = { ...decodeFrame(message()), trace: { traceparent: trace } };
  for (const one of [sent, { ...sent, setAt: 5, setErrorMs: 0.125 }])
    t.deepEqual(decodeFrame(encode(one)), one);
  for (const trace of ['{"traceparent":5}', '{', '{"traceparent":"00"}', '[', 'null', ''])
    t.is(decodeFrame(message({ measures: `t=${trace}` })).trace, undefined);
});

test('a digest, a heartbeat and measurements travel as fields with names', (t) => {
  const fields = { digest: 4294967295, heartbeatMs: 250, setAt: 5.125, setErrorMs: 0.5 };
  const sent = { ...decodeFrame(message()), ...fields };
  t.true(encode(sent).includes(' c d=4294967295 h=250 s=5125 e=500'));
  t.deepEqual(decodeFrame(encode(sent)), sent);
  t.deepEqual(decodeFrame(message({ measures: 'e=500 h=250 s=5125 d=4294967295' })), sent, 'in any order');
});

test('a field that is not known, or not well-formed, is passed over with its value', (t) => {
  const known = { ...decodeFrame(message()), digest: 7, heartbeatMs: 250 };
  for (const other of [
    'z=1',
    'later=1',
    'later={"a":[1,2]}',
    'flag',
    '=',
    'd',
    'h=',
    's=5',
    's=5 e=x',
    '\t',
    '',
  ])
    for (const measures of [`${other} d=7 h=250`, `d=7 ${other} h=250`, `d=7 h=250 ${other}`])
      t.deepEqual(decodeFrame(message({ measures }, ['a', '11', '1'])).changes.length, 1, measures);
  for (const other of ['z=1', 'later=1', 'flag', 's=5', 'e=5', 's=5 e=x', 't={'])
    t.deepEqual(decodeFrame(message({ measures: `${other} d=7 h=250` })), known, other);
  for (const digest of ['', '-1', '1.5', '4294967296', 'x', '07', '1x'])
    t.is(decodeFrame(message({ measures: `d=${digest}` })).digest, undefined, digest);
});

test('a message of an unknown kind is known to be one, and is no error', (t) => {
  for (const text of [
    message({ kind: 'x' }),
    message({ kind: 'later' }),
    '1 0\n3 news',
    '1 0\n3 news 5 a=1\nmore',
  ])
    t.deepEqual(decodeMessage(text), { is: 'unknown' }, text);
});

test('a message of another version says what to do, and nothing of it is read', (t) => {
  const code = 'UNKNOWN_VERSION';
  const later = /version 4 .* reads version 3: upgrade this process before the owner/;
  t.throws(() => decodeMessage('1 0\n4 anything'), { code, message: later });
  t.throws(() => decodeMessage(message({ v: undefined })), { code });
  t.throws(() => decodeMessage(message({ v: 2 })), { code, message: /version 2 .*: upgrade the owner/ });
});

test('a fence is not a frame, and nothing but a fence is taken for one', (t) => {
  t.is(decodeFence(encodeFence(1_764_000_000_123.5, 1_764_000_000_123)), 1_764_000_000_123);
  for (const text of [
    message(),
    '',
    '1 0\n1 fence 5',
    '1 0\n2 fence 5',
    '1 0\n3 fence 0',
    '1 0\n3 fence -5',
    '1 0\n3 fence 5\n',
    '1 0\n3 fence 12345678901234567',
  ])
    t.is(decodeFence(text), undefined, text);
  t.is(decodeFence('1 0\n3 fence 5 later=1'), 5, 'a field that is not known is passed over');
});

test('an empty value is a delete', (t) => {
  t.deepEqual(decodeFrame(message({}, ['a', '11', ''])).changes, [{ key: 'a', revision: 11, json: '' }]);
});

for (const [what, text] of Object.entries({
  'an empty text': '',
  'a single line': '1764000000 125',
  'a text without a time': message().replace('1764000000 125', ''),
  'a time that is not a number': message().replace('1764000000 125', 'soon'),
  'a negative time': message().replace('1764000000 125', '-5'),
  'a message without a header': '1764000000 125\n',
  'a header that is JSON': `1 0\n${JSON.stringify(HEADER)}`,
  'a version in quotes': message({ v: '"3"' }),
  'an epoch that is not a whole number': message({ epoch: 9.5 }),
  'an epoch too large to be exact': message({ epoch: 2 ** 53 }),
  'an epoch too long for a number': message({ epoch: '9'.repeat(400) }),
  'an epoch in quotes': message({ epoch: '"9"' }),
  'an epoch with a leading zero': message({ epoch: '09' }),
  'a header without an epoch': message({ epoch: '' }),
  'a field too few': message({ leaseMs: undefined }),
  'a negative start': message({ prev: -1 }),
  'a start that is null': message({ prev: null }),
  'an end before its start': message({ prev: 13 }),
  'a base that is the epoch itself': message({ base: '9-1' }),
  'a base after its epoch': message({ base: '10-1' }),
  'a lease that never ends': message({ leaseMs: Infinity }),
  'a lease of text': message({ leaseMs: 'long' }),
  'a header without a cutAt': message({ cutAt: '' }),
  'a cutAt that is infinite': message({ cutAt: '1e999' }),
  'a cutAt with a fraction of a microsecond': message({ cutAt: '1764.5' }),
  'a header without a kind': message({ kind: undefined }),
  'an unknown kind': message({ kind: 'x' }),
  'a kind of two letters': message({ kind: 'ab' }),
  'a change without a revision': message({}, ['a']),
  'a change that is cut short': message({}, ['a', '11']),
  'a line too many': message({}, ['a', '11', '1', '']),
  'a value with a line break in it': message({}, ['a', '11', '{\n}']),
  'a change at its start': message({}, ['a', '10', '1']),
  'a change before its start': message({}, ['a', '3', '1']),
  'a change past its end': message({}, ['a', '13', '1']),
  'changes out of order': message({}, ['a', '12', '1', 'b', '11', '2']),
  'two changes of one revision': message({}, ['a', '12', '1', 'b', '12', '2']),
  'a revision that is not a number': message({}, ['a', 'x', '1']),
  'a revision that is not a whole number': message({}, ['a', '11.5', '1']),
  'a revision that is empty': message({}, ['a', '', '1']),
  'an empty key': message({}, ['', '11', '1']),
  'a key too long': message({}, ['k'.repeat(513), '11', '1']),
  'a key with a control character': message({}, ['a\tb', '11', '1']),
  'a key with half a character': message({}, ['a\ud800', '11', '1']),
})) {
  test(`decoding refuses ${what}`, (t) => {
    t.throws(() => decodeFrame(text), { instanceOf: TandemError, code: 'INVALID_FRAME' });
  });
}

test('a message over the size limit is refused before it is parsed', (t) => {
  const huge = `${message()}\n${'x'.repeat(MAX_PUBLISHED_LENGTH)}`;
  t.throws(() => decodeFrame(huge), { code: 'INVALID_FRAME', message: /\d{7} characters/ });
});

test('a message of a million empty lines is refused quickly', (t) => {
  const before = performance.now();
  t.throws(() => decodeFrame(message({}, Array<string>(1_000_000).fill(''))), { code: 'INVALID_FRAME' });
  t.true(performance.now() - before < 5_000);
});

test('a change with a value of the greatest size is accepted', (t) => {
  const json = JSON.stringify('x'.repeat(MAX_VALUE_LENGTH - 2));
  t.is(decodeFrame(message({}, ['a', '11', json])).changes[0]?.json.length, MAX_VALUE_LENGTH);
});

test('a frame cut short anywhere is refused, or is complete up to the cut', (t) =>
  check(
    t,
    fc.property(frames, fc.double({ min: 0, max: 1, noNaN: true }), (frame, part) => {
      const text = encode(frame);
      requireSound(text.slice(0, Math.floor(text.length * part)));
    }),
  ));

test('a frame mutated anywhere is refused, or keeps every promise of a frame', (t) => {
  const mutation = fc.record({
    part: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    removed: fc.nat(6),
    put: fc.oneof(
      fc.constantFrom(
        '\n',
        ' ',
        '0',
        '9',
        '-',
        '"',
        '{',
        '}',
        ',',
        '\\u005f',
        '__proto__',
        'null',
        '1e999',
        '\ud800',
      ),
      fc.string({ maxLength: 5, unit: 'binary' }),
    ),
  });
  return check(
    t,
    fc.property(frames, fc.array(mutation, { minLength: 1, maxLength: 3 }), (frame, mutations) => {
      let text = encode(frame);
      for (const { part, removed, put } of mutations) {
        const at = Math.floor(text.length * part);
        text = text.slice(0, at) + put + text.slice(at + removed);
      }
      requireSound(text);
    }),
    { numRuns: 2_000 },
  );
});

test('a page is decoded like the changes of a frame', (t) => {
  t.deepEqual(decodePage('\na\n1\n5\nb\n2\n'), {
    changes: [
      { key: 'a', revision: 1, json: '5' },
      { key: 'b', revision: 2, json: '' },
    ],
    isSound: true,
  });
  t.deepEqual(decodePage(''), { changes: [], isSound: true });
});

test('a long value of a page is a text of its own, behind the lines of its key and revision', (t) => {
  t.deepEqual(decodePage('\na\n1\n5\nlong\n2\n', '"x"', '\nb\n3\n', '"y"', ''), {
    changes: [
      { key: 'a', revision: 1, json: '5' },
      { key: 'long', revision: 2, json: '"x"' },
      { key: 'b', revision: 3, json: '"y"' },
    ],
    isSound: true,
  });
  t.deepEqual(decodePage('\n\n1\n', '"x"', '\nb\n3\n6'), {
    changes: [{ key: 'b', revision: 3, json: '6' }],
    isSound: false,
  });
});

test('a page skips impossible entries, and is marked as not sound', (t) => {
  for (const bad of ['\nb\n5\n1', '\nb\n4\n1', '\nb\nx\n1', '\nb\n5.5\n1', '\n\n6\n1', '\nb\t\n6\n1'])
    t.deepEqual(
      decodePage(`\na\n5\n1${bad}\nc\n7\n`),
      {
        changes: [
          { key: 'a', revision: 5, json: '1' },
          { key: 'c', revision: 7, json: '' },
        ],
        isSound: false,
      },
      JSON.stringify(bad),
    );
  t.deepEqual(decodePage('\na\n5\n1\nb\n6'), {
    changes: [{ key: 'a', revision: 5, json: '1' }],
    isSound: false,
  });
});

test('a base after epoch 0 is refused', (t) => {
  t.throws(() => decodeFrame(message({ epoch: 0, base: '7-10' })), { code: 'INVALID_FRAME' });
});

for (const base of ['here', 5, null, '7-', '-10', '7-10-3', '7 10', '7-1e1']) {
  test(`a base of ${base} is refused as an invalid frame`, (t) => {
    t.throws(() => decodeFrame(message({ base })), { code: 'INVALID_FRAME' });
  });
}

test('a trace nested 100,000 levels deep is left out', (t) => {
  const measures = `t={"traceparent":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  t.is(decodeFrame(message({ measures })).trace, undefined);
});

for (const time of ['Infinity 0', '1e9 0', '0x10 0', '1', '1.5 0', '1 0.5', '1 1000000', '-1 0', '']) {
  test(`a time of ${time} is refused`, (t) => {
    t.throws(() => decodeFrame(message().replace('1764000000 125', time)), { code: 'INVALID_FRAME' });
  });
}

test('a revision consists of digits only', (t) => {
  for (const revision of [' 11 ', '0xb', '1.1e1', '11.0', '+11'])
    t.throws(() => decodeFrame(message({}, ['a', revision, '1'])), { code: 'INVALID_FRAME' }, revision);
});

/** Requires that decoding either refuses the text or returns a frame that keeps every promise. */
function requireSound(text: string): void {
  let frame: Frame;
  try {
    frame = decodeFrame(text);
  } catch (error) {
    if ((error as TandemError).code === 'UNKNOWN_VERSION') return;
    assertThrows(() => {
      throw error;
    }, 'INVALID_FRAME');
    return;
  }
  const { epoch, base, prev, revision, leaseMs, cutAt, changes } = frame;
  for (const count of [epoch, base.epoch, base.revision, prev, revision, leaseMs])
    assert.ok(Number.isSafeInteger(count) && count >= 0, `${count}`);
  assert.ok(Number.isFinite(cutAt));
  assert.ok(base.epoch < epoch, printPosition(base));
  assert.ok(prev <= revision);
  let before = prev;
  for (const change of changes) {
    assert.equal(keyProblem(change.key), undefined);
    assert.ok(change.revision > before && change.revision <= revision);
    before = change.revision;
  }
}
