/** What a series says: is this tree worse than the other one? */
import type { Interval } from './interval.ts';
import { medianInterval, medianRatio } from './interval.ts';
import type { Side } from './order.ts';
import type { Series } from './series.ts';

export type Verdict = 'worse' | 'better' | 'same' | 'p99: not judged' | 'too few pairs';

export interface Compared {
  readonly ratio: number;
  readonly interval: Interval | undefined;
}

export interface Judged extends Compared {
  readonly series: Series;
  /** This tree to itself. */
  readonly control: Compared;
  readonly verdict: Verdict;
  /**
   * The control, too, is a whole interval away from 1: this machine finds differences where there are none.
   */
  readonly isNoisy: boolean;
}

/** Of the whole comparison. */
export type Outcome = 'worse' | 'too noisy' | 'not worse' | 'not judged';

/** A ratio of so much is a difference that counts. */
const BOUND = 1.05;

/** A ratio above 1 is always for the worse: where more is better, it is inverted. */
export function judge(series: Series): Judged {
  const control = compare(series, 'control');
  const compared = compare(series, 'that');
  const isJudged = !/\bp99\b/.test(series.what);
  return {
    ...compared,
    series,
    control,
    verdict: isJudged ? verdictOf(compared) : 'p99: not judged',
    // The two runs of a control have no order: better is as wrong as worse.
    isNoisy: isJudged && ['worse', 'better'].includes(verdictOf(control)),
  };
}

export function outcomeOf(judged: readonly Judged[]): Outcome {
  if (judged.some(({ isNoisy }) => isNoisy)) return 'too noisy';
  if (judged.some(({ verdict }) => verdict === 'worse')) return 'worse';
  return judged.some(({ verdict }) => verdict === 'better' || verdict === 'same')
    ? 'not worse'
    : 'not judged';
}

function compare(series: Series, other: Exclude<Side, 'this'>): Compared {
  const ratios = series.this.map((ours, n) => {
    const theirs = series[other][n]!;
    // Two that are 0 are the same.
    if (ours === theirs) return 1;
    return series.isMoreBetter ? theirs / ours : ours / theirs;
  });
  return { ratio: medianRatio(ratios), interval: medianInterval(ratios) };
}

function verdictOf({ interval }: Compared): Verdict {
  if (interval === undefined) return 'too few pairs';
  if (interval.low > BOUND) return 'worse';
  return interval.high < 1 / BOUND ? 'better' : 'same';
}
