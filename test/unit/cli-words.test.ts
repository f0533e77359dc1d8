/** What commands print: tables, lengths of time, colours, and what a head says about a space. */
import test from 'ava';
import { inWords } from '../../src/cli/duration.ts';
import { jsonLine } from '../../src/cli/json-line.ts';
import { spanOf } from '../../src/cli/moment.ts';
import { harmless, paintOf } from '../../src/cli/paint.ts';
import { summaryOf, ownerOf } from '../../src/cli/space-summary.ts';
import { tableOf } from '../../src/cli/table.ts';
import type { Head } from '../../src/ports/store.ts';
import { called } from '../_console.ts';

const plain = paintOf({ isTerminal: false, environment: {} });
const HEAD: Head = {
  epoch: 5,
  revision: 7,
  base: { epoch: 0, revision: 0 },
  fence: 5,
  size: 3,
  horizon: 0,
  cutAt: 1_000,
  owner: 'trader-1/abc',
  ownerName: 'trader-1',
  leaseMs: 2_500,
  leaseAskedMs: 3_000,
  keysLost: false,
  wrongTypes: [],
  doubtedAt: 0,
  unsettled: 0,
  removedAt: 0,
  now: 1_200,
};

test('a length of time has two units at most', (t) => {
  const lengths = [0, 12.4, 999, 1_440, 10_000, 65_000, 3_600_000, 100_000_000, Infinity, null];
  t.deepEqual(
    lengths.map((ms) => inWords(ms)),
    ['0 ms', '12 ms', '999 ms', '1.4 s', '10 s', '1 min 5 s', '1 h', '1 d 3 h', 'no end', '-'],
  );
});

test('columns are as wide as their longest cell, numbers stand at the right, and no line ends with blanks', (t) => {
  const columns = [{ title: 'A' }, { title: 'N', align: 'right' as const }, { title: '' }];
  const table = tableOf(
    columns,
    [
      ['long name', '1', ''],
      ['x', '200', { text: 'bad', tone: 'bad' }],
    ],
    plain,
  );
  t.is(table, 'A            N\nlong name    1\nx          200  bad\n');
});

test('a line is cut at the width of the terminal, whatever its colours', (t) => {
  const paint = paintOf({ isTerminal: true, environment: {} });
  const table = tableOf(
    [{ title: 'KEY' }, { title: 'VALUE' }],
    [['k', { text: 'x'.repeat(50), tone: 'good' }]],
    paint,
    20,
  );
  const [, line = ''] = table.split('\n');
  // oxlint-disable-next-line no-control-regex -- the codes of colours
  t.is(line.replaceAll(/\x1b\[\d+m/g, ''), `k    ${'x'.repeat(14)}…`);
});

test('there are colours only on a terminal without NO_COLOR', (t) => {
  t.is(paintOf({ isTerminal: true, environment: {} })('bad', 'x'), '\x1b[31mx\x1b[0m');
  t.is(paintOf({ isTerminal: true, environment: { NO_COLOR: '' } })('bad', 'x'), '\x1b[31mx\x1b[0m');
  t.is(paintOf({ isTerminal: true, environment: { NO_COLOR: '1' } })('bad', 'x'), 'x');
  t.is(paintOf({ isTerminal: true, environment: { TERM: 'dumb' } })('bad', 'x'), 'x');
  t.is(plain('bad', 'x'), 'x');
});

test('names and values cannot steer a terminal', (t) => {
  t.is(harmless('a\x1b[2Jb\u009b\u202ec é'), 'a\\u001b[2Jb\\u009b\\u202ec é');
});

test('a line of JSON means the same, whatever is escaped in it', (t) => {
  const value = { text: '\u009b2J \u202e \u{e0001} é\n' };
  const line = jsonLine(value);
  t.true(/^[\x20-\x7eé]*\n$/.test(line));
  t.deepEqual(JSON.parse(line), value);
});

test('a summary says how the owner stands, by the lease and by what it left', (t) => {
  t.is(ownerOf(HEAD), 'alive');
  t.is(ownerOf({ ...HEAD, leaseMs: 0 }), 'lost');
  t.is(ownerOf({ ...HEAD, leaseMs: 0, owner: '-' }), 'lost');
  t.is(ownerOf({ ...HEAD, leaseMs: 0, owner: '' }), 'released');
  t.is(ownerOf({ leaseMs: 0, owner: '', fence: 0 }), 'never');
});

test('a summary has JSON for everything, and names what is wrong', (t) => {
  t.deepEqual(summaryOf('trading', HEAD, 2), {
    space: 'trading',
    owner: 'alive',
    ownerName: 'trader-1',
    leaseMs: 2_500,
    head: '5-7',
    keys: 3,
    ageMs: 200,
    subscribers: 2,
    problem: null,
  });
  t.is(summaryOf('x', { ...HEAD, cutAt: 0 }, null).ageMs, null);
  t.is(summaryOf('x', { ...HEAD, keysLost: true }, null).problem, 'keys were lost');
  t.is(summaryOf('x', { ...HEAD, keysLost: true, keysAdded: true }, null).problem, 'somebody added keys');
  t.like(summaryOf('x', { ...HEAD, leaseMs: Infinity }, null), {
    leaseMs: null,
    problem: 'its lease has no expiry',
  });
});

test('what stands behind the name of an unknown option is not shown: it may be a URL', async (t) => {
  for (const args of [
    ['ls', '--redis://u:s3cr3t@h'],
    ['ls', '--rediss=redis://u:s3cr3t@h'],
  ]) {
    const { code, err } = await called(args);
    t.is(code, 2);
    t.notRegex(err, /s3cr3t/);
    t.is(err.trim().split('\n').length, 1);
  }
});

test('a time is a date, a number, how long ago, or a time of day that has passed', (t) => {
  const now = Date.parse('2026-12-01T03:42:10Z');
  const from = (text: string): string => new Date(spanOf({ from: text }, now).from!).toISOString();
  t.is(from('2026-11-30T12:00Z'), '2026-11-30T12:00:00.000Z');
  t.is(from(String(now - 5)), '2026-12-01T03:42:09.995Z');
  t.is(from('90s'), '2026-12-01T03:40:40.000Z');
  t.is(from('03:42'), '2026-12-01T03:42:00.000Z');
  t.is(from('03:42:09.5Z'), '2026-12-01T03:42:09.500Z');
  t.is(from('03:43'), '2026-11-30T03:43:00.000Z');
  for (const text of ['25:00', '3:42', '03:60', '03:42:00.1234', 'noon', ''])
    t.throws(() => from(text), { message: /^--from: expected a date/ });
  t.throws(() => spanOf({ from: '03:42', to: '03:41' }, now), { message: '--from is after --to' });
});
