/** Our trace state says what the API's says. */
import { createTraceState } from '@opentelemetry/api';
import test from 'ava';
import { TraceState } from '../../src/telemetry/trace-state.ts';

const TEXTS = [
  '',
  'a=1',
  'vendor=one,other=two',
  ' a=1 , b=2',
  'a=1,,b=2',
  'A=1,b=2',
  'a=,b=2',
  'tenant@vendor=value, x=y z',
  'a=b=c',
  `a=${'x'.repeat(600)}`,
];

for (const text of TEXTS)
  test(`it reads "${text.slice(0, 30)}"`, (t) =>
    t.is(TraceState.parse(text).serialize(), createTraceState(text).serialize()));

test('it has 32 members at most', (t) => {
  const members = Array.from({ length: 40 }, (_, n) => `k${n}=v`);
  t.is(TraceState.parse(members.join(',')).serialize(), members.slice(0, 32).join(','));
});

test('a member that is set goes to the front', (t) => {
  const [ours, theirs] = [TraceState.parse('a=1,b=2,c=3'), createTraceState('a=1,b=2,c=3')];
  t.is(ours.set('b', '4').serialize(), theirs.set('b', '4').serialize());
  t.is(ours.set('d', '5').serialize(), theirs.set('d', '5').serialize());
  t.is(ours.unset('b').serialize(), theirs.unset('b').serialize());
  t.is(ours.get('b'), theirs.get('b'));
});

test('what would be too long is not set', (t) => {
  const [ours, theirs] = [TraceState.parse('a=1'), createTraceState('a=1')];
  t.is(ours.set('b', 'x'.repeat(600)).serialize(), theirs.set('b', 'x'.repeat(600)).serialize());
});
