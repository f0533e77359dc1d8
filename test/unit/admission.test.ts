/** Admission: which frame is applied, whichever path it came by. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { Admission, isRolledBack } from '../../src/follower/admission.ts';
import type { Header } from '../../src/state/header.ts';
import type { Position } from '../../src/state/position.ts';
import { compare, ZERO } from '../../src/state/position.ts';
import { check } from '../_check.ts';

const HEADER: Header = {
  epoch: 5,
  base: { epoch: 3, revision: 10 },
  prev: 10,
  revision: 12,
  cutAt: 1,
  leaseMs: 1,
  bye: false,
};
/** The upper bound of the server's time. */
const LATEST_MS = 1_000;
const DAY_MS = 86_400_000;

/** An admission for a copy at this position. */
function at(revision: number, epoch = 5): Admission {
  return new Admission({ position: { epoch, revision } });
}

/** The judgement of a frame of the direct path, for which no claim has to be known. */
const judge = (admission: Admission, frame: Partial<Header> = {}) =>
  admission.judge({ ...HEADER, ...frame }, 'direct', LATEST_MS);

test('a frame that begins at the position of the copy, or before it, and ends after it is next', (t) => {
  t.is(judge(at(10)), 'next');
  t.is(judge(at(11)), 'next');
});

test('a frame that ends at the position of the copy, or before it, is known', (t) => {
  t.is(judge(at(12)), 'known');
  t.is(judge(at(99)), 'known');
});

test('a frame that begins after the position of the copy shows a gap', (t) => {
  t.is(judge(at(9)), 'gap');
});

test('a heartbeat is known at the position of the copy, and shows a gap elsewhere', (t) => {
  t.is(judge(at(12), { prev: 12 }), 'known');
  t.is(judge(at(11), { prev: 12 }), 'gap');
});

test('a frame of a new epoch is next for a copy at its base or before it', (t) => {
  t.is(judge(at(10, 3)), 'next');
  t.is(judge(at(8, 3), { prev: 8 }), 'next');
});

test('a heartbeat of a new epoch is next at its base, since it brings the epoch', (t) => {
  t.is(judge(at(10, 3), { revision: 10 }), 'next');
});

test('a frame of a new epoch is a gap for a copy past its base, or of another line', (t) => {
  t.is(judge(at(11, 3)), 'gap');
  t.is(judge(at(10, 4)), 'gap');
  t.is(judge(at(10, 2)), 'gap');
});

test('a frame of a new epoch that ends before the position of the copy would take it back: a gap', (t) => {
  t.is(judge(at(10, 3), { prev: 5, revision: 8 }), 'gap');
});

test('once a higher epoch was seen, a lower one is fenced, even where nothing of the higher was applied', (t) => {
  const admission = at(3);
  t.is(judge(admission, { epoch: 9, base: { epoch: 7, revision: 1 } }), 'gap');
  t.is(judge(admission, { prev: 3 }), 'fenced');
  t.is(admission.fence, 9);
  t.true(isRolledBack({ epoch: 5, revision: 99 }, admission.floor), 'a page of a lower epoch is rolled back');
});

test('once a claim is known, every epoch below it is fenced, also one that was applied before', (t) => {
  const admission = at(10);
  t.is(judge(admission), 'next');
  admission.claimed(6, LATEST_MS);
  t.is(judge(admission), 'fenced');
  t.is(judge(admission, { prev: 12 }), 'fenced', 'a heartbeat of that epoch proves nothing either');
  t.is(judge(admission, { epoch: 6, base: { epoch: 5, revision: 10 } }), 'next');
});

test('after a claim alone, the head that Redis holds until the first commit is not rolled back', (t) => {
  const admission = at(10);
  admission.claimed(6, LATEST_MS);
  t.false(isRolledBack({ epoch: 5, revision: 10 }, admission.floor));
});

test('the fence holds for a whole state as for a frame, and a whole state behind the copy is a gap', (t) => {
  const admission = at(10);
  const whole = (epoch: number, revision: number) => admission.judgeWhole({ epoch, revision }, LATEST_MS);
  t.is(whole(5, 10), 'next');
  t.is(whole(5, 9), 'gap');
  t.is(whole(6, 1), 'next', 'another line may be shorter');
  t.is(whole(4, 99), 'fenced');
  admission.claimed(7, LATEST_MS);
  t.is(whole(6, 99), 'fenced');
});

test('an epoch a day and a million claims ahead is implausible, on any path, and leaves no trace', (t) => {
  const admission = at(10);
  const epoch = LATEST_MS + DAY_MS + 1;
  t.is(judge(admission, { epoch }), 'implausible');
  t.is(admission.judgeWhole({ epoch, revision: 1 }, LATEST_MS), 'implausible');
  admission.claimed(epoch, LATEST_MS);
  t.is(admission.fence, 5);
  t.is(judge(admission), 'next');
});

test('a head below the one that Redis was known to hold is rolled back; one merely behind the copy is not', (t) => {
  const admission = at(12);
  admission.storedUpTo({ epoch: 5, revision: 11 });
  admission.storedUpTo({ epoch: 5, revision: 9 });
  t.deepEqual(admission.stored, { epoch: 5, revision: 11 }, 'the stored position never falls');
  t.true(isRolledBack({ epoch: 5, revision: 10 }, admission.floor));
  t.false(isRolledBack({ epoch: 5, revision: 11 }, admission.floor), 'the copy is ahead by an announcement');
  t.false(isRolledBack(ZERO, at(0, 0).floor));
});

const small = fc.nat(6);
const position = fc.record({ epoch: small, revision: small });
const happening = fc.oneof(
  fc.record({ do: fc.constant('claim' as const), epoch: small }),
  fc
    .record({ epoch: fc.integer({ min: 1, max: 6 }), base: position, prev: small, length: small })
    .filter(({ epoch, base }) => base.epoch < epoch)
    .map(({ length, ...rest }) => ({ do: 'frame' as const, ...rest, revision: rest.prev + length })),
);

test('whatever comes, in any order: nothing below the fence is applied, and the position never goes back', (t) =>
  check(
    t,
    fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
      const copy: { position: Position } = { position: ZERO };
      const admission = new Admission(copy);
      let highest = 0;
      for (const one of happenings) {
        const before = copy.position;
        if (one.do === 'claim') admission.claimed(one.epoch, LATEST_MS);
        else {
          const { epoch, revision, base, prev } = one;
          const verdict = admission.judge({ ...HEADER, epoch, revision, base, prev }, 'direct', LATEST_MS);
          assert.equal(verdict === 'fenced', epoch < highest);
          if (verdict === 'next') copy.position = { epoch, revision };
          if (verdict === 'known') assert.equal(epoch, before.epoch);
        }
        highest = Math.max(highest, one.epoch);
        assert.equal(admission.fence, highest);
        assert.ok(compare(copy.position, before) >= 0 && copy.position.revision >= before.revision);
      }
    }),
  ));

test('a frame through Redis of an epoch that the keys do not show as claimed is not taken', (t) => {
  const admission = at(10, 3);
  const throughRedis = (): string => admission.judge(HEADER, 'redis', LATEST_MS);
  t.is(throughRedis(), 'unclaimed');
  admission.claimed(5, LATEST_MS);
  t.is(throughRedis(), 'unclaimed', 'anybody can publish a fence');
  admission.granted(5);
  t.is(throughRedis(), 'next');
});

test('a frame of an epoch that is not claimed hides no frame of the true owner', (t) => {
  const admission = at(10, 5);
  t.is(admission.judge({ ...HEADER, epoch: 9 }, 'redis', LATEST_MS), 'unclaimed');
  t.is(admission.judge(HEADER, 'redis', LATEST_MS), 'next');
});

/** Claimed one second before the server's time in these tests. */
const YOUNG = 1_764_000_000_000;
const young = (revision: number, frame: Partial<Header>): string =>
  new Admission({ position: { epoch: YOUNG, revision } }).judge(
    { ...HEADER, epoch: YOUNG, prev: revision, ...frame },
    'redis',
    YOUNG + 1_000,
  );

for (const [what, revision] of Object.entries({
  'the largest number that can travel': Number.MAX_SAFE_INTEGER,
  'more than any owner can reach in its life': 2 ** 50 + 1,
  'more than an owner can set in the second since its claim': 30_000_000,
})) {
  test(`a revision that is ${what} is not plausible`, (t) => {
    t.is(young(7, { revision }), 'implausible');
    t.is(at(10).judgeWhole({ epoch: 5, revision: Math.max(revision, 2 ** 51) }, Infinity), 'implausible');
  });
}

test('a batch of millions of changes is plausible, and so is any revision after a long time', (t) => {
  t.is(young(7, { revision: 5_000_000 }), 'next');
  t.is(at(10).judge({ ...HEADER, revision: 2 ** 49 }, 'redis', 2 ** 47), 'next');
});

test('after the clock was set back, no revision of the owner is refused for its speed', (t) => {
  const admission = new Admission({ position: { epoch: YOUNG, revision: 7 } });
  const frame = { ...HEADER, epoch: YOUNG, prev: 7, revision: 1e9 };
  t.is(admission.judge(frame, 'redis', YOUNG - 1), 'next');
});

test('a copy at a false position is replaced by a whole state that is behind it', (t) => {
  const admission = at(99);
  t.is(admission.judgeWhole({ epoch: 5, revision: 12 }, LATEST_MS), 'gap');
  admission.misplaced();
  t.is(admission.judgeWhole({ epoch: 5, revision: 12 }, LATEST_MS), 'next');
  t.deepEqual(admission.floor.stored, ZERO);
  admission.placed();
  t.is(admission.judgeWhole({ epoch: 5, revision: 12 }, LATEST_MS), 'gap');
});
