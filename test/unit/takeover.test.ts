/** Takeover: the state that a new owner goes on from, made of Redis's state and of a standby's copy. */
import test from 'ava';
import type { Inheritance, Left } from '../../src/owner/takeover.ts';
import { takeOver } from '../../src/owner/takeover.ts';
import type { Change } from '../../src/state/change.ts';
import { ZERO } from '../../src/state/position.ts';

const EPOCH = 9;
const change = (key: string, revision: number): Change => ({ key, revision, json: '1' });
const LEFT: Left = {
  head: { epoch: 5, revision: 12, horizon: 3, keysLost: false },
  changes: [change('a', 4), change('b', 12)],
};

function standby(epoch: number, revision: number, more: readonly Change[] | 'unknown' = []): Inheritance {
  return {
    position: { epoch, revision },
    changes: () => [change('s', revision)],
    changesSince: () => (more === 'unknown' ? undefined : more),
  };
}

test('without a standby, the state of Redis goes on, on its line', (t) => {
  t.deepEqual(takeOver(EPOCH, LEFT, undefined), {
    line: { epoch: EPOCH, base: { epoch: 5, revision: 12 } },
    revision: 12,
    horizon: 3,
    changes: LEFT.changes,
  });
});

test('a standby that is behind Redis adds nothing', (t) => {
  t.deepEqual(takeOver(EPOCH, LEFT, standby(5, 12)), takeOver(EPOCH, LEFT, undefined));
  t.deepEqual(takeOver(EPOCH, LEFT, standby(5, 8)), takeOver(EPOCH, LEFT, undefined));
});

test('the changes that the last owner announced and did not commit come on top of the state of Redis', (t) => {
  const more = [change('a', 13), { key: 'b', revision: 14, json: '' }];
  const start = takeOver(EPOCH, LEFT, standby(5, 14, more));
  t.deepEqual(start.line.base, { epoch: 5, revision: 14 });
  t.is(start.horizon, 3, 'the deletes are known, so followers carry on');
  t.deepEqual(start.changes, [...LEFT.changes, ...more]);
});

test("where Redis has lost keys, or is an epoch behind, the standby's state goes on, and followers before it start over", (t) => {
  for (const [left, inherited] of [
    [{ ...LEFT, head: { ...LEFT.head, keysLost: true } }, standby(5, 12)],
    [LEFT, standby(6, 2)],
    [LEFT, standby(5, 14, 'unknown')],
  ] as const) {
    const { position } = inherited;
    t.deepEqual(takeOver(EPOCH, left, inherited), {
      line: { epoch: EPOCH, base: position },
      revision: position.revision,
      horizon: position.revision,
      changes: inherited.changes(),
    });
  }
});

test('where Redis has lost keys and there is no standby, the keys that are left go on, on a new line', (t) => {
  const head = { ...LEFT.head, revision: 7, keysLost: true };
  const start = takeOver(EPOCH, { ...LEFT, head }, undefined);
  t.deepEqual(start.line.base, ZERO);
  t.is(start.revision, 12, 'a head that was lost may be behind the keys that are left');
});
