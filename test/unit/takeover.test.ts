/** Takeover: which state a new owner goes on from, Redis's or a standby's copy. */
import test from 'ava';
import type { Inheritance, Left } from '../../src/owner/takeover.ts';
import { startOver, takeOver } from '../../src/owner/takeover.ts';
import { ZERO } from '../../src/state/position.ts';

const EPOCH = 9;
const LEFT: Left = { epoch: 5, revision: 12, horizon: 3, keysLost: false, top: 12 };

function standby(epoch: number, revision: number, canContinue = true): Inheritance {
  return { position: { epoch, revision }, canContinue: () => canContinue };
}

test('without a standby, the state of Redis goes on, on its line', (t) => {
  t.deepEqual(takeOver(EPOCH, LEFT, undefined), {
    line: { epoch: EPOCH, base: { epoch: 5, revision: 12 } },
    revision: 12,
    horizon: 3,
    inherits: 'nothing',
  });
});

test('a standby that is behind Redis adds nothing', (t) => {
  t.deepEqual(takeOver(EPOCH, LEFT, standby(5, 12)), takeOver(EPOCH, LEFT, undefined));
  t.deepEqual(takeOver(EPOCH, LEFT, standby(5, 8)), takeOver(EPOCH, LEFT, undefined));
});

test('the changes that the last owner announced and did not commit come on top of the state of Redis', (t) => {
  t.deepEqual(takeOver(EPOCH, LEFT, standby(5, 14)), {
    line: { epoch: EPOCH, base: { epoch: 5, revision: 14 } },
    revision: 14,
    horizon: 3,
    inherits: 'changes',
  });
});

test("where Redis has lost keys, or is an epoch behind, the standby's state goes on, and followers before it start over", (t) => {
  for (const [left, inherited] of [
    [{ ...LEFT, keysLost: true }, standby(5, 12)],
    [LEFT, standby(6, 2)],
    [LEFT, standby(5, 14, false)],
    // Somebody has put a key beyond the head, where an announced change belongs.
    [{ ...LEFT, top: 13 }, standby(5, 14)],
  ] as const) {
    const { position } = inherited;
    t.deepEqual(takeOver(EPOCH, left, inherited), {
      line: { epoch: EPOCH, base: position },
      revision: position.revision,
      horizon: position.revision,
      inherits: 'state',
    });
  }
});

test('where Redis has lost keys and there is no standby, the keys that are left go on, on a new line', (t) => {
  const start = takeOver(EPOCH, { ...LEFT, revision: 7, keysLost: true }, undefined);
  t.deepEqual(start.line.base, ZERO);
  t.is(start.revision, 12, 'a head that was lost may be behind the keys that are left');
});

test('a reset goes on from the revision alone, and nobody carries on from before', (t) => {
  t.deepEqual(startOver(EPOCH, { epoch: 5, revision: 12 }), {
    line: { epoch: EPOCH, base: ZERO },
    revision: 12,
    horizon: 12,
    inherits: 'nothing',
  });
});
