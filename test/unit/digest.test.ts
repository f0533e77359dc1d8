/** The digest: owner and follower come to the same one by different ways, and any difference shows. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { finish } from '../../src/base/slices.ts';
import type { Change } from '../../src/state/change.ts';
import { hashOf } from '../../src/state/digest.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { ZERO } from '../../src/state/position.ts';
import type { ReadChange } from '../../src/state/read-change.ts';
import { Replica } from '../../src/state/replica.ts';
import { check } from '../_check.ts';
import { resume, startOver } from '../_ledger.ts';
import { swap } from '../_swap.ts';

const LINE = { epoch: 5, base: ZERO };

function leading(): Ledger {
  const ledger = new Ledger();
  startOver(ledger, LINE, 0);
  return ledger;
}

const read = ({ key, revision, json }: Change): ReadChange => ({
  key,
  revision,
  value: json === '' ? undefined : JSON.parse(json),
  hash: hashOf(key, revision, json),
});

/** A replica that has read the ledger's whole state, as from the keys. */
function copyOf(ledger: Ledger): Replica {
  const replica = new Replica();
  const changes = [...ledger.whole()].filter(({ json }) => json !== '');
  swap(replica, { ...LINE, revision: ledger.head.revision }, changes.map(read));
  return replica;
}

const step = fc.oneof(
  fc.record({
    do: fc.constant('set' as const),
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    json: fc.json(),
  }),
  fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom('a', 'b', 'c', 'd') }),
  fc.record({ do: fc.constant('cut' as const) }),
  fc.record({ do: fc.constant('restate' as const), key: fc.constantFrom('a', 'b') }),
);

test('frame by frame and by the whole state, a follower comes to the digest of its owner', (t) =>
  check(
    t,
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ledger = leading();
      const follower = copyOf(ledger);
      for (const one of [...steps, { do: 'cut' as const }]) {
        if (one.do === 'set') ledger.set(one.key, one.json);
        else if (one.do === 'delete') ledger.delete(one.key);
        else if (one.do === 'restate') ledger.restate([one.key], { aheadMs: () => 0 });
        else {
          const { revision } = ledger.head;
          const changes = ledger.changesSince(follower.position.revision)!;
          follower.advance({ ...LINE, revision }, changes.map(read));
          assert.equal(follower.digest, ledger.digestAt(revision)!);
          assert.equal(copyOf(ledger).digest, ledger.digestAt(revision)!);
        }
      }
    }),
  ));

test('a digest as of a cut has the values of that cut, and not the later ones', (t) => {
  const ledger = leading();
  ledger.set('a', '1');
  ledger.set('b', '1');
  const early = copyOf(ledger).digest;
  ledger.set('c', '2');
  t.is(ledger.digestAt(2), early);
  t.not(ledger.digestAt(3), early);
  t.is(ledger.digestAt(2), undefined, 'that state is gone');
});

test('where much was set at once, the hashes are made in slices, and until then there is no digest', (t) => {
  const ledger = leading();
  ledger.set('a', '1');
  t.is(ledger.digestAt(1), copyOf(ledger).digest);
  ledger.set('large', JSON.stringify('x'.repeat(3_000_000)));
  ledger.set('b', '1');
  t.is(ledger.digestAt(3), undefined);
  t.true(ledger.isDigestBehind);
  ledger.set('a', '2');
  ledger.set('b', '2');
  t.is(ledger.digestAt(4), undefined, 'the hash of "b" as of that cut was never made');
  finish(ledger.digest());
  t.is(ledger.digestAt(5), copyOf(ledger).digest);
  ledger.set('c', '3');
  t.is(ledger.digestAt(6), copyOf(ledger).digest);
});

test('a few changes that are left bring the digest back without slices', (t) => {
  const ledger = leading();
  ledger.set('large', JSON.stringify('x'.repeat(3_000_000)));
  ledger.set('b', '1');
  t.is(ledger.digestAt(2), undefined);
  t.is(ledger.digestAt(2), copyOf(ledger).digest);
  t.false(ledger.isDigestBehind);
});

test('an owner that resumes has the digest of those who read the same keys', (t) => {
  const ledger = leading();
  for (const key of ['a', 'b', 'c']) ledger.set(key, `"${key}"`);
  ledger.delete('b');
  const next = new Ledger();
  resume(next, { epoch: 6, base: ledger.head }, 4, 0, [...ledger.whole()]);
  t.is(next.digestAt(4), copyOf(ledger).digest);
});

test('deletes that were forgotten leave nothing in the digest', (t) => {
  const ledger = leading();
  ledger.set('stays', '1');
  for (let n = 0; n < 25_000; n += 1) ledger.set(`k${n}`, '1');
  ledger.digestAt(ledger.head.revision);
  finish(ledger.digest());
  for (let n = 0; n < 25_000; n += 1) ledger.delete(`k${n}`);
  t.true(ledger.horizon > 0);
  ledger.digestAt(ledger.head.revision);
  finish(ledger.digest());
  t.is(ledger.digestAt(ledger.head.revision), copyOf(ledger).digest);
});

test('every difference between two states shows', (t) => {
  const digest = (...changes: [key: string, revision: number, json: string][]): number =>
    changes.reduce((sum, change) => (sum + hashOf(...change)) | 0, 0);
  const states: [string, number, string][][] = [
    [],
    [['a', 1, '1']],
    [['a', 1, '2']],
    [['a', 2, '1']],
    [['b', 1, '1']],
    [
      ['a', 1, '1'],
      ['b', 2, '2'],
    ],
    [
      ['a', 1, '2'],
      ['b', 2, '1'],
    ],
    [
      ['b', 1, '1'],
      ['a', 2, '2'],
    ],
    [
      ['a', 1, '1'],
      ['a2', 2, '2'],
    ],
    [['a', 1, '-0']],
    [['a', 1, '0']],
  ];
  t.is(new Set(states.map((state) => digest(...state))).size, states.length);
});

test('values that are swapped between any two keys show', (t) => {
  let found = 0;
  for (let n = 0; n < 20_000; n += 1) {
    const [k, l, v, w] = [`k${n}`, `l${n}`, `{"price":${n}}`, `{"price":${n + 1}}`];
    const before = (hashOf(k, 1, v) + hashOf(l, 2, w)) | 0;
    if (before === ((hashOf(k, 1, w) + hashOf(l, 2, v)) | 0)) found += 1;
  }
  t.is(found, 0);
});

test('a value that cannot be read counts as it travels, and its key keeps the last value', (t) => {
  const ledger = leading();
  ledger.set('a', '1');
  const follower = copyOf(ledger);
  ledger.set('a', '"unreadable here"');
  const { revision } = ledger.head;
  const changes = ledger.changesSince(1)!.map(read);
  follower.advance({ ...LINE, revision }, [], changes);
  t.is(follower.get('a')?.value, 1);
  t.is(follower.digest, ledger.digestAt(revision)!);
  swap(follower, { ...LINE, revision }, [], changes);
  t.is(follower.get('a')?.value, 1);
  t.is(follower.digest, ledger.digestAt(revision)!);
  ledger.set('a', '3');
  follower.advance({ ...LINE, revision: 3 }, ledger.changesSince(revision)!.map(read));
  t.is(follower.get('a')?.value, 3);
  t.is(follower.digest, ledger.digestAt(3)!);
});

test('the hash of a change is what it always was: other versions and other languages compute it, too', (t) => {
  const hash = (key: string, revision: number, json: string): number => hashOf(key, revision, json) >>> 0;
  t.is(hash('market_regime', 1, '{"regime":"bull","confidence":0.92}'), 3244910815);
  t.is(hash('zażółć', 9_007_199_254_740_991, '"€"'), 3523189721);
  t.is(hash('market_regime', 1, ''), 0);
});
