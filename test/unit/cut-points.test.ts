/**
 * CutPoints: where a long run of changes may be cut, so that the changes before the cut give the state as it
 * was then.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import * as fc from 'fast-check';
import { CutPoints } from '../../src/state/cut-points.ts';
import { check } from '../_check.ts';

/** The contents of a store that got the latest change of each key, from revision `floor` up to `upTo`. */
function heldAfter(changes: readonly { key: string; revision: number }[], floor: number, upTo: number) {
  const latest = new Map<string, number>();
  for (const { key, revision } of changes) latest.set(key, revision);
  const held = new Map<string, number>();
  for (const { key, revision } of changes) if (revision <= floor) held.set(key, revision);
  for (const [key, revision] of latest) if (revision > floor && revision <= upTo) held.set(key, revision);
  return held;
}

/** The state at a revision. */
function stateAt(changes: readonly { key: string; revision: number }[], upTo: number) {
  const state = new Map<string, number>();
  for (const { key, revision } of changes) if (revision <= upTo) state.set(key, revision);
  return state;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ set: fc.constantFrom('a', 'b', 'c', 'd', 'e') }) },
  { weight: 3, arbitrary: fc.constant('turn' as const) },
  { weight: 1, arbitrary: fc.record({ sent: fc.double({ min: 0, max: 1, noNaN: true }) }) },
);

test('the changes before a cut point give the state as it was at that point', (t) =>
  check(
    t,
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cutPoints = new CutPoints();
      const changes: { key: string; revision: number }[] = [];
      const at = new Map<number, number>();
      let floor = 0;
      for (const [time, one] of steps.entries()) {
        if (one === 'turn') {
          cutPoints.add(changes.length, time);
          at.set(changes.length, at.get(changes.length) ?? time);
        } else if ('set' in one) {
          cutPoints.changed(changes.findLast(({ key }) => key === one.set)?.revision ?? 0);
          changes.push({ key: one.set, revision: changes.length + 1 });
        } else {
          const cutPoint = cutPoints.upTo(floor + Math.ceil(one.sent * (changes.length - floor)));
          if (cutPoint === undefined) continue;
          assert.deepEqual(heldAfter(changes, floor, cutPoint.revision), stateAt(changes, cutPoint.revision));
          assert.equal(at.get(cutPoint.revision), cutPoint.at);
          floor = cutPoint.revision;
          cutPoints.sentUpTo(floor);
        }
      }
      const last = cutPoints.upTo(Infinity);
      if (last) assert.deepEqual(heldAfter(changes, floor, last.revision), stateAt(changes, last.revision));
    }),
  ));

test('keys that are set only once leave a cut point at the end of each turn', (t) => {
  const cutPoints = new CutPoints();
  for (let turn = 1; turn <= 10; turn += 1) {
    cutPoints.changed(0);
    cutPoints.add(turn, turn * 5);
  }
  t.deepEqual(cutPoints.upTo(7), { revision: 7, at: 35 });
  cutPoints.sentUpTo(7);
  t.is(cutPoints.upTo(7), undefined);
  t.deepEqual(cutPoints.upTo(100), { revision: 10, at: 50 });
});

test('a key that is set again and again leaves only the last cut point', (t) => {
  const cutPoints = new CutPoints();
  for (let revision = 1; revision <= 1_000; revision += 1) {
    cutPoints.changed(revision - 1);
    cutPoints.add(revision, revision);
  }
  t.is(cutPoints.upTo(999), undefined);
  t.is(cutPoints.upTo(1_000)?.revision, 1_000);
});

test('there is no cut point for a store that has less than was sent', (t) => {
  const cutPoints = new CutPoints();
  cutPoints.add(5, 1);
  cutPoints.sentUpTo(3);
  cutPoints.sentUpTo(2);
  t.is(cutPoints.upTo(5), undefined);
});
