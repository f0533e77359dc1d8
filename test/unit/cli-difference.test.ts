/** What a process shows against what Redis has, and what `top` makes of a second. */
import test from 'ava';
import { compared, lasting } from '../../src/cli/difference.ts';
import type { ShownKey } from '../../src/cli/difference.ts';
import { paintOf } from '../../src/cli/paint.ts';
import { placeOf, shownIn } from '../../src/cli/shown-space.ts';
import { SpaceMeter } from '../../src/cli/space-meter.ts';
import { topScreen } from '../../src/cli/top-screen.ts';

const at = (revision: number) => ({ epoch: 1, revision });
const state = (head: number, keys: Record<string, [revision: number, value: unknown]>) => ({
  head: at(head),
  keys: new Map<string, ShownKey>(
    Object.entries(keys).map(([key, [revision, value]]) => [key, { position: at(revision), value }]),
  ),
});
const counts = ({ behind, ahead, different }: ReturnType<typeof compared>) => [
  behind,
  ahead,
  different.map(({ key }) => key),
];

test('states that are the same differ in nothing, whatever the order of fields', (t) => {
  const redis = state(3, { a: [1, { x: 1, y: 2 }], b: [3, null] });
  t.deepEqual(counts(compared(redis, state(3, { b: [3, null], a: [1, { y: 2, x: 1 }] }))), [0, 0, []]);
});

test('a key at a later position is behind or ahead, and not different', (t) => {
  const redis = state(5, { a: [5, 'new'], b: [2, 1], c: [4, 1] });
  t.deepEqual(counts(compared(redis, state(3, { a: [1, 'old'], b: [2, 1] }))), [2, 0, []]);
  t.deepEqual(counts(compared(redis, state(7, { a: [6, 'newer'], b: [2, 1], c: [4, 1], d: [7, 1] }))), [
    0,
    2,
    [],
  ]);
});

test('what one side has deleted is behind or ahead while the heads differ', (t) => {
  const [has, lacks] = [{ a: [1, 1] as [number, unknown] }, {}];
  t.deepEqual(counts(compared(state(2, lacks), state(1, has))), [1, 0, []], 'Redis has seen the delete');
  t.deepEqual(counts(compared(state(1, has), state(2, lacks))), [0, 1, []], 'the process has');
});

test('another value at the same position, and a key that is missing at the same head, are different', (t) => {
  const redis = state(3, { a: [1, 1], b: [2, 1], c: [3, 1] });
  t.deepEqual(counts(compared(redis, state(3, { a: [1, 2], c: [3, 1], d: [2, 1] }))), [
    0,
    0,
    ['a', 'b', 'd'],
  ]);
  t.deepEqual(counts(compared(redis, state(3, { a: [1, 1], b: [2, 1], c: [3, new Error('1')] }))), [
    0,
    0,
    ['c'],
  ]);
});

test('only what differs in both of two looks lasts', (t) => {
  const first = compared(state(3, { a: [1, 1], b: [2, 1] }), state(3, { a: [1, 2], b: [2, 2] }));
  const second = compared(state(4, { a: [1, 1], b: [4, 1] }), state(4, { a: [1, 2], b: [4, 1] }));
  t.deepEqual(
    lasting(first, second).map(({ key }) => key),
    ['a'],
  );
});

test('a URL is that of the router or of its routes, and its password is never in the name', (t) => {
  for (const url of [
    'http://h:8080/api',
    'http://h:8080/api/',
    'http://h:8080/api/spaces',
    'http://h:8080/api/spaces/x',
  ])
    t.like(placeOf(url, 'a:b'), { name: 'h:8080/api', url: 'http://h:8080/api/spaces/a%3Ab' });
  const { name, url, headers } = placeOf('https://me:s3c%40r3t@h', 'x');
  t.deepEqual([name, url], ['h', 'https://h/spaces/x']);
  t.is(headers.authorization, `Basic ${Buffer.from('me:s3c@r3t').toString('base64')}`);
  for (const text of ['h:8080', 'ftp://u:s3cr3t@h', 's3cr3t'])
    t.notRegex(t.throws(() => placeOf(text, 'x')).message, /s3cr3t/);
});

test('an answer that is no state of a space is refused', (t) => {
  const answer = { head: '1-2', freshness: 'live', staleMs: 3, state: { a: { value: 1, position: '1-2' } } };
  t.like(shownIn(answer, 'h'), { head: at(2), freshness: 'live', staleMs: 3 });
  for (const body of [undefined, {}, [], { ...answer, head: 'x' }, { ...answer, state: { a: 1 } }])
    t.throws(() => shownIn(body, 'h'), { message: /^h answers what is no state of a space/ });
});

const STANDING = {
  space: 'trading',
  owner: 'alive',
  ownerName: 'trader-1',
  mode: 'connected',
  freshness: 'live',
  staleMs: 20,
  keys: 3,
  head: '1-5',
};

test('a second has rates, and the median and the greatest lag, and the next begins anew', (t) => {
  const meter = new SpaceMeter(0);
  meter.applied({ keys: 4, updateLatencyMs: 2 });
  meter.applied({ keys: 2, updateLatencyMs: 1 });
  meter.applied({ keys: 1, updateLatencyMs: 9.123 });
  meter.applied({ keys: 0, updateLatencyMs: undefined });
  t.like(meter.second(STANDING, 2_000), { changesPerS: 3.5, framesPerS: 1.5, lagMs: 2, mostLagMs: 9.12 });
  t.like(meter.second(STANDING, 3_000), { changesPerS: 0, framesPerS: 0, lagMs: null, mostLagMs: null });
});

test('the screen fits the terminal, and what is stale stands first', (t) => {
  const seconds = ['a', 'b', 'c', 'd'].map((space) => ({
    ...new SpaceMeter(0).second({ ...STANDING, space, freshness: space === 'c' ? 'stale' : 'live' }, 1_000),
    changesPerS: space === 'b' ? 10 : 1,
  }));
  const plain = paintOf({ isTerminal: true, environment: { NO_COLOR: '1' } });
  const screen = topScreen(seconds, { columns: 60, rows: 6 }, plain, 'Ctrl-C ends');
  // oxlint-disable-next-line no-control-regex -- control sequences
  const lines = screen.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '').split('\r\n');
  t.is(lines.length, 5);
  t.true(lines.every((line) => line.length <= 60));
  t.is(lines[0], '4 spaces, 1 stale, 13 changes/s');
  t.deepEqual(
    lines.slice(2, 4).map((line) => line[0]),
    ['c', 'b'],
  );
  t.is(lines[4], 'and 2 more');
});
