/**
 * The arguments of each script, and what its replies mean: the table of `docs/protocol.md`, checked without a
 * server.
 */
import test from 'ava';
import type { Cut, Replacement } from '../../src/ports/store.ts';
import {
  claim,
  commit,
  portionsOf,
  readTime,
  release,
  remove,
  renew,
  replaceAll,
  since,
  stage,
} from '../../src/redis/commands.ts';
import { hashOf } from '../../src/state/digest.ts';
import { wholeOf } from '../_whole.ts';

const CHANNEL = 'tandem:{trading}:frames';
const EPOCH = 1_795_364_768_285;
const NOW = '1795364768 289300';
const NOW_MS = 1_795_364_768_289.3;

const cut: Cut = {
  owner: 'trading-1/u4',
  leaseMs: 3_000,
  epoch: EPOCH,
  base: { epoch: 5, revision: 2 },
  prev: { epoch: EPOCH, revision: 3 },
  revision: 5,
  horizon: 1,
  cutAt: 1_795_364_768_288.993,
  changes: [
    { key: 'a', revision: 4, json: '{"x":1}' },
    { key: 'b', revision: 5, json: '' },
  ],
  dropped: ['old', 'older'],
};
const FRAME = `3 ${EPOCH} 5-2 3 5 1795364768288993 3000 c\na\n4\n{"x":1}\nb\n5\n`;
const replacement: Replacement = { ...cut, whole: wholeOf(cut.changes) };

/** A reply that begins with the head. */
const headed = (outcome: string, ...rest: string[]): string[] => [
  outcome,
  NOW,
  String(EPOCH),
  String(EPOCH),
  '5',
  '5',
  '2',
  '7',
  '1',
  '1795364768288.993',
  'trading-1/u4',
  'trading-1',
  '2500',
  '0',
  '3000',
  '',
  '0',
  '40',
  '0',
  ...rest,
];
const HEAD = {
  now: NOW_MS,
  fence: EPOCH,
  epoch: EPOCH,
  revision: 5,
  base: { epoch: 5, revision: 2 },
  size: 7,
  horizon: 1,
  cutAt: 1_795_364_768_288.993,
  owner: 'trading-1/u4',
  ownerName: 'trading-1',
  leaseMs: 2_500,
  leaseAskedMs: 3_000,
  keysLost: false,
  wrongTypes: [],
  doubtedAt: 0,
  unsettled: 40,
  removedAt: 0,
};

test('claim', (t) => {
  const wanted = { owner: 'trading-1/u4', ownerName: 'trading-1', known: 9, leaseMs: 3_000 };
  t.deepEqual(claim.args(wanted, CHANNEL), [
    'trading-1/u4',
    'trading-1',
    '9',
    '3000',
    CHANNEL,
    '',
    '',
    '',
    '',
  ]);
  const timely = claim.args({ ...wanted, notAfter: NOW_MS }, CHANNEL);
  t.is(Number(timely[5]), NOW_MS);
  t.is(claim.args({ ...wanted, notAfter: Infinity }, CHANNEL)[5], '', 'nothing is known of the clock');
  t.is(claim.args({ ...wanted, outwaited: NOW_MS }, CHANNEL)[6], '1795364768289.300');
  t.is(claim.args({ ...wanted, outwaited: Infinity }, CHANNEL)[6], '-1', 'a lease without an expiry');
  t.is(claim.args({ ...wanted, hasLed: true }, CHANNEL)[7], '1');
  t.is(claim.args({ ...wanted, takesOver: true }, CHANNEL)[8], '1');
  t.deepEqual(claim.read(headed('claimed')), { outcome: 'claimed', head: HEAD });
});

test('a full commit has the lease, the line and the tombstones behind its frame', (t) => {
  t.deepEqual(commit.args(cut, CHANNEL), [
    'trading-1/u4',
    String(EPOCH),
    String(EPOCH),
    '3',
    '5',
    '1795364768288.993',
    CHANNEL,
    '',
    '',
    '1',
    FRAME,
    '3000',
    '5',
    '2',
    '1',
    'old',
    'older',
  ]);
});

test('a long value is a text of its own, between those of lines', (t) => {
  const long = `"${'x'.repeat(70_000)}"`;
  const changes = [
    { key: 'a', revision: 4, json: long },
    { key: 'b', revision: 5, json: '' },
    { key: 'c', revision: 6, json: long },
  ];
  const args = commit.args({ ...cut, changes, isLight: true }, CHANNEL);
  t.is(args[9], '5');
  const [head, ...lines] = FRAME.split('\na\n');
  t.is(lines.length, 1);
  t.deepEqual(args.slice(10), [`${head}\na\n4\n`, long, '\nb\n5\n\nc\n6\n', long, '']);
});

test('a light commit ends with its frame; one that was announced names no channel', (t) => {
  const args = commit.args({ ...cut, isLight: true, isAnnounced: true }, CHANNEL);
  t.deepEqual(args.slice(6), ['', '', '', '1', FRAME]);
});

test('a commit says in its header what is measured', (t) => {
  const [, , , , , , , , , , frame] = commit.args(
    { ...cut, measures: { setAt: 1.5, setErrorMs: 0.25 } },
    CHANNEL,
  );
  t.is(frame, FRAME.replace(' c\n', ' c s=1500 e=250\n'));
});

test('the times of changes go behind those that are there, or all take their place, and the frame has its own', (t) => {
  const times = '3@1795364768288,2';
  const args = commit.args({ ...cut, times }, CHANNEL);
  t.deepEqual(args.slice(7, 11), [`;${times}`, '', '1', FRAME.replace(' c\n', ` c m=${times}\n`)]);
  const allTimes = `0@1795364768000,3;${times}`;
  t.is(commit.args({ ...cut, times, allTimes }, CHANNEL)[7], allTimes);
  t.is(commit.args({ ...cut, times, isAnnounced: true }, CHANNEL)[10], FRAME, 'it is not published');
  t.is(replaceAll.args({ ...replacement, allTimes }, 'attempt', CHANNEL).at(-1), allTimes);
});

test('a commit with history has its bounds, and the times of its changes', (t) => {
  const history = { maxChanges: 100, maxAgeMs: 60_000 };
  t.is(commit.args({ ...cut, history, times: '3@5,2' }, CHANNEL)[8], '100 60000 3@5,2');
  t.is(commit.args({ ...cut, history }, CHANNEL)[8], '100 60000 ');
});

test('the head after a commit is rebuilt from the cut and the little that Redis says', (t) => {
  t.deepEqual(commit.read([NOW, '7', 'trading-1', '', '120'], cut), {
    outcome: 'committed',
    timesLength: 120,
    head: { ...HEAD, unsettled: 0, leaseMs: 3_000 },
  });
  t.deepEqual(commit.read(NOW, { ...cut, isLight: true }), { outcome: 'committed' });
});

test('a commit that was refused is answered with the head', (t) => {
  for (const outcome of ['fenced', 'head_moved', 'keys_lost'] as const)
    t.deepEqual(commit.read(headed(outcome), cut), { outcome, head: HEAD });
});

test('stage and replace all', (t) => {
  const portion = { isFirst: true, changes: cut.changes };
  const staged = ['trading-1/u4', '3000', String(EPOCH), 'attempt'];
  t.deepEqual(stage.args(replacement, 'attempt', portion), [...staged, '1', '1', '\na\n4\n{"x":1}\nb\n5\n']);
  t.deepEqual(stage.args(replacement, 'attempt', { isFirst: false, changes: [] }), [...staged, '0', '1', '']);
  t.is(stage.read(headed('staged')).outcome, 'staged');
  t.deepEqual([...replacement.whole], cut.changes);
  t.deepEqual(replaceAll.args(replacement, 'attempt', CHANNEL), [
    'trading-1/u4',
    '3000',
    String(EPOCH),
    '5',
    '5',
    '2',
    '1',
    '1795364768288.993',
    CHANNEL,
    `3 ${EPOCH} 5-2 5 5 1795364768288993 3000 c d=${hashOf('a', 4, '{"x":1}') >>> 0}`,
    '1',
    '2',
    'attempt',
    '',
  ]);
  t.is(replaceAll.read(headed('keys_lost')).outcome, 'keys_lost');
});

test('a whole state is staged in portions, of which there is always a first', (t) => {
  const many = Array.from({ length: 2_000 }, (_, at) => ({ key: `${at}`, revision: at + 1, json: '1' }));
  const sizes = (changes: typeof many) =>
    [...portionsOf(changes)].map(({ isFirst, changes }) => [isFirst, changes.length]);
  t.deepEqual(sizes([]), [[true, 0]]);
  t.deepEqual(sizes(many.slice(0, 3)), [[true, 3]]);
  t.deepEqual(sizes(many), [
    [true, 1_000],
    [false, 1_000],
  ]);
  const long = (kib: number) => ({ ...many[0]!, json: 'x'.repeat(kib * 1024) });
  t.deepEqual(sizes([long(300), long(200), long(300), long(900), long(1)]), [
    [true, 2],
    [false, 1],
    [false, 1],
    [false, 1],
  ]);
});

test('since', (t) => {
  const position = { epoch: EPOCH, revision: 3 };
  t.deepEqual(since.args(position, 250, {}), [String(EPOCH), '3', '250', '0', '0', '0', '0']);
  const asked = since.args(position, 250, { horizon: 4, seen: 8, isDoubted: true, withTimes: true });
  t.deepEqual(asked, [String(EPOCH), '3', '250', '4', '8', '1', '1']);
  const page = { head: HEAD, full: true, more: false, changes: cut.changes };
  t.deepEqual(since.read(headed('page', '1', '0', '', '\na\n4\n{"x":1}\nb\n5\n')), page);
  t.deepEqual(since.read(headed('page', '0', '1', '3@5,1', '')), {
    ...page,
    full: false,
    more: true,
    changes: [],
    times: '3@5,1',
  });
});

test('a page that cannot be read as one says that keys were lost', (t) => {
  const { head } = since.read(headed('page', '0', '0', '', '\na\nno revision\n1'));
  t.true(head.keysLost);
});

test('remove', (t) => {
  t.deepEqual(remove.args(undefined, CHANNEL), ['', CHANNEL, '86400000']);
  t.is(remove.args(NOW_MS, CHANNEL)[0], '1795364768289.300');
  t.is(remove.args(Infinity, CHANNEL)[0], '-1', 'a lease without an expiry');
  t.is(remove.read(headed('removed')).outcome, 'removed');
});

test('renew and release', (t) => {
  t.deepEqual(renew.args('trading-1/u4', EPOCH, 3_000), ['trading-1/u4', '3000', String(EPOCH)]);
  t.is(renew.read(headed('renewed')).outcome, 'renewed');
  const farewell = { ...cut, prev: 5, leaseMs: 0, bye: true };
  t.deepEqual(release.args('trading-1/u4', EPOCH, CHANNEL, farewell), [
    'trading-1/u4',
    String(EPOCH),
    CHANNEL,
    `3 ${EPOCH} 5-2 5 5 1795364768288993 0 b`,
    '',
  ]);
  t.is(
    release.args('trading-1/u4', EPOCH, CHANNEL, { ...farewell, cutAt: 0 }).at(-1),
    '-',
    'changes are left',
  );
  t.deepEqual(release.args('trading-1/u4', EPOCH, CHANNEL, undefined).slice(-2), ['', '-']);
});

test('each reply has the time of the server', (t) => {
  for (const reply of [NOW, [NOW, '7', 'trading-1'], headed('fenced')]) t.is(readTime(reply), NOW_MS);
});

test('a reply that is none of ours is refused, and says what was expected', (t) => {
  const head = headed('claimed');
  const read = (reply: readonly string[]) => () => claim.read(reply);
  t.throws(read(head.with(1, 'noon')), {
    code: 'INVALID_FRAME',
    message: 'expected a time at 1 in a reply, got noon',
  });
  t.throws(read(head.with(4, 'x')), {
    code: 'INVALID_FRAME',
    message: 'expected a number at 4 in a reply, got x',
  });
  t.throws(read(['claimed', NOW]), { code: 'INVALID_FRAME' });
  t.throws(() => since.read(headed('page')), { code: 'INVALID_FRAME' });
});
