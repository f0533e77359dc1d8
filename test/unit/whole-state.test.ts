/** The whole state as of one moment: walked a portion at a time, while the ledger goes on changing. */
import test from 'ava';
import { ZERO } from '../../src/state/position.ts';
import { Ledger } from '../../src/state/ledger.ts';
import { startOver } from '../_ledger.ts';

function ledgerOf(count: number): Ledger {
  const ledger = new Ledger();
  startOver(ledger, { epoch: 1, base: ZERO }, 0);
  for (let index = 1; index <= count; index += 1) ledger.set(`key/${index}`, String(index));
  return ledger;
}

test('what changes while it is walked is walked as it was', (t) => {
  const ledger = ledgerOf(50);
  ledger.delete('key/50');
  const expected = [...ledger.whole()];
  const digest = ledger.digestAt(ledger.head.revision);
  const whole = ledger.whole();
  const walked = [];
  for (const change of whole) {
    walked.push(change);
    ledger.set(`key/${50 - walked.length}`, '"later"');
    ledger.set(`new/${walked.length}`, '"later"');
  }
  t.deepEqual(walked, expected);
  t.deepEqual([whole.count, whole.size, whole.digest], [50, 49, digest]);
});

test('its counts and its length are those of what was walked', (t) => {
  const ledger = ledgerOf(0);
  ledger.set('a', '"é"');
  ledger.set('b', '1');
  const whole = ledger.whole();
  t.deepEqual([whole.count, whole.size, whole.bytes, whole.digest], [0, 0, 0, 0]);
  t.is([...whole].length, 2);
  t.deepEqual([whole.count, whole.size, whole.bytes], [2, 2, 'a"é"b1'.length + 1]);
});

test('one that is closed, or was never begun, costs later changes nothing', (t) => {
  const ledger = ledgerOf(3);
  const [begun, closed] = [ledger.whole(), ledger.whole()];
  for (const { key } of begun) if (key === 'key/2') break;
  closed.close();
  ledger.set('key/3', '"later"');
  t.deepEqual([...closed], []);
  t.is(begun.count, 2);
});
