/** Progress: how far the store has come, as its owner knows it. */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import type { UnderWay } from '../../src/owner/progress.ts';
import { Progress } from '../../src/owner/progress.ts';
import type { Position } from '../../src/state/position.ts';
import { check } from '../_check.ts';

const EPOCH = 7;
const here = (revision: number, epoch = EPOCH): Position => ({ epoch, revision });
const cut = (revision: number, isWhole = false): UnderWay => ({ to: here(revision), isWhole, forgetting: 0 });

/** The progress after a first commit under a new claim. */
function claimed(): Progress {
  const progress = new Progress();
  progress.claimedAt(here(3, 5), 'whole');
  progress.begin(cut(3));
  progress.end(cut(3));
  progress.committedUpTo(here(3));
  return progress;
}

test("a claim stands on an earlier owner's head, and lacks everything under its own epoch", (t) => {
  const progress = new Progress();
  progress.claimedAt(here(3, 5), 'whole');
  t.deepEqual(progress.sent, here(3, 5));
  t.true(progress.lacks(here(3)));
});

test('the next cut builds on what is sent; an answered cut is committed', (t) => {
  const progress = claimed();
  progress.begin(cut(5));
  progress.begin(cut(8));
  t.deepEqual([progress.sent, progress.committed], [here(8), here(3)]);
  progress.end(cut(5));
  progress.committedUpTo(here(5));
  t.deepEqual([progress.sent, progress.committed, progress.head], [here(8), here(5), here(5)]);
  t.true(progress.lacks(here(8)));
  progress.committedUpTo(here(8));
  t.false(progress.lacks(here(8)));
});

test('a late answer moves nothing back', (t) => {
  const progress = claimed();
  progress.committedUpTo(here(9));
  progress.committedUpTo(here(4));
  t.deepEqual([progress.committed, progress.head, progress.sent], [here(9), here(9), here(9)]);
});

test('four commits may be under way, and the whole state only alone', (t) => {
  const progress = claimed();
  for (const revision of [4, 5, 6]) progress.begin(cut(revision));
  t.false(progress.isFull);
  progress.begin(cut(7));
  t.true(progress.isFull);
  for (const revision of [4, 5, 6, 7]) progress.end(cut(revision));
  t.true(progress.isQuiet);
  progress.begin(cut(8, true));
  t.true(progress.isFull);
});

test("after a lost answer, any revision up to the last attempt is the owner's own, and none beyond", (t) => {
  const progress = claimed();
  progress.begin(cut(6));
  progress.end(cut(6));
  t.true(progress.isOwn(here(3), EPOCH));
  t.true(progress.isOwn(here(6), EPOCH));
  t.false(progress.isOwn(here(7), EPOCH), 'never sent');
  t.false(progress.isOwn(here(2), EPOCH), 'Redis has lost what it had committed');
  t.false(progress.isOwn(here(3, 8), EPOCH), "another's");
});

test('where the store is found elsewhere, the next cut builds on the head that was found', (t) => {
  const progress = claimed();
  progress.begin(cut(6));
  progress.end(cut(6));
  progress.foundAt(here(5), EPOCH);
  t.deepEqual([progress.sent, progress.committed], [here(5), here(5)]);
});

test('followers lack only the changes after the last announcement, until announcements are forgotten', (t) => {
  const progress = claimed();
  progress.announcedUpTo(9);
  t.is(progress.toldUpTo, 9);
  progress.forgetAnnouncements();
  t.is(progress.toldUpTo, 3);
});

test('a right count mends lost keys; only a claim mends foreign ones', (t) => {
  const progress = claimed();
  progress.claimedAt(here(3), 'incomplete');
  t.true(progress.lacks(here(3)));
  progress.verified();
  t.is(progress.contents, 'whole');
  progress.distrust();
  progress.verified();
  t.is(progress.contents, 'foreign');
  progress.claimedAt(here(3), 'whole');
  t.is(progress.contents, 'whole');
});

test('whatever is answered, in any order: committed is never past head, nor head past sent', (t) =>
  check(
    t,
    fc.property(fc.array(fc.record({ grow: fc.nat(3), answer: fc.nat(5) }), { maxLength: 60 }), (steps) => {
      const progress = claimed();
      const underWay: UnderWay[] = [];
      let revision = 3;
      for (const { grow, answer } of steps) {
        revision += grow;
        if (!progress.isFull) {
          underWay.push(cut(revision));
          progress.begin(underWay.at(-1)!);
        }
        const [ended] = answer < underWay.length ? underWay.splice(answer, 1) : [];
        if (ended) {
          progress.end(ended);
          progress.committedUpTo(ended.to);
        }
        const { committed, head, sent } = progress;
        assert.ok(committed.revision <= head.revision && head.revision <= sent.revision);
        assert.equal(progress.isQuiet, underWay.length === 0);
      }
    }),
  ));
