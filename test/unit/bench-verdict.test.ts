/** When a figure is worse: the whole interval of its ratios lies above 1.05. */
import test from 'ava';
import type { Series } from '../../bench/against/series.ts';
import { judge, outcomeOf } from '../../bench/against/verdict.ts';

/** Ten pairs whose ratios to the other tree, and to this tree itself, are given. */
function series(ratios: readonly number[], more: Partial<Series> = {}): Series {
  return {
    benchmark: 'latency',
    what: 'p50',
    unit: 'µs',
    isMoreBetter: false,
    isBorrowed: false,
    this: ratios.map((ratio) => 100 * ratio),
    that: ratios.map(() => 100),
    control: ratios.map((ratio) => 100 * ratio),
    ...more,
  };
}

const ten = (ratio: number): number[] => Array.from({ length: 10 }, () => ratio);
/** The second lowest is 1.06: the interval begins there. */
const WORSE = [0.9, 1.06, ...ten(1.2).slice(2)];
const BETTER = WORSE.map((ratio) => 1 / ratio);

test('a whole interval above 1.05 is worse', (t) => {
  const { verdict, interval, ratio } = judge(series(WORSE));
  t.is(verdict, 'worse');
  t.is(ratio, 1.2);
  t.true(Math.abs(interval!.low - 1.06) < 1e-9);
});

test('an interval that reaches down to 1.05 is the same, whatever its median', (t) => {
  t.is(judge(series([1, 1.05, ...ten(3).slice(2)])).verdict, 'same');
});

test('a whole interval as far below 1 is better', (t) => {
  t.is(judge(series(BETTER)).verdict, 'better');
  t.is(judge(series(ten(0.96))).verdict, 'same');
});

test('where more is better, less is worse', (t) => {
  const { verdict, ratio } = judge(series(BETTER, { isMoreBetter: true }));
  t.is(verdict, 'worse');
  t.true(Math.abs(ratio - 1.2) < 1e-9);
});

test('p99 has a ratio and is not judged', (t) => {
  const judged = judge(series(WORSE, { what: 'p99, 1000/s to 1' }));
  t.is(judged.verdict, 'p99: not judged');
  t.is(judged.ratio, 1.2);
  t.is(outcomeOf([judged]), 'not judged');
});

test('five pairs are too few', (t) => {
  const judged = judge(series(ten(2).slice(5)));
  t.is(judged.verdict, 'too few pairs');
  t.is(outcomeOf([judged]), 'not judged');
});

test('two figures that are 0 are the same, and one that is not is worse', (t) => {
  const zeros = ten(0);
  t.is(judge(series(zeros, { that: zeros, control: zeros })).ratio, 1);
  t.is(judge(series(ten(1), { that: zeros })).verdict, 'worse');
});

test('one worse row makes the comparison worse', (t) => {
  t.is(outcomeOf([judge(series(ten(1))), judge(series(WORSE)), judge(series(BETTER))]), 'worse');
  t.is(outcomeOf([judge(series(ten(1))), judge(series(BETTER))]), 'not worse');
});

test('a control that is worse or better than itself makes it too noisy to judge', (t) => {
  for (const ratios of [WORSE, BETTER]) {
    const judged = judge(series(WORSE, { control: ratios.map((ratio, n) => (100 * WORSE[n]!) / ratio) }));
    t.true(judged.isNoisy);
    t.is(outcomeOf([judge(series(ten(1))), judged]), 'too noisy');
  }
});

test('the control of a p99 makes nothing noisy', (t) => {
  const judged = judge(series(ten(2), { what: 'p99', control: ten(1) }));
  t.false(judged.isNoisy);
});
