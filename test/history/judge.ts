/**
 * Checks a history against every guarantee. A history in which too little happened proves nothing, and fails.
 */
import { atomic } from './checkers/atomic.ts';
import { bounded } from './checkers/bounded.ts';
import type { Bounds, Checker, Violation } from './checkers/checker.ts';
import { convergence } from './checkers/convergence.ts';
import { fencing } from './checkers/fencing.ts';
import { honestStaleness } from './checkers/honest-staleness.ts';
import { honestTimes } from './checkers/honest-times.ts';
import { isolation } from './checkers/isolation.ts';
import { noGap } from './checkers/no-gap.ts';
import { noGoingBack } from './checkers/no-going-back.ts';
import { nothingLost } from './checkers/nothing-lost.ts';
import { order } from './checkers/order.ts';
import { toldInTime } from './checkers/told-in-time.ts';
import type { History } from './event.ts';
import { Lines } from './lines.ts';

export const checkers: readonly Checker[] = [
  order,
  noGap,
  atomic,
  noGoingBack,
  honestStaleness,
  fencing,
  convergence,
  isolation,
  bounded,
  nothingLost,
  toldInTime,
  honestTimes,
];

export interface Least {
  readonly ops: number;
  readonly reads: number;
  readonly faults: number;
}

/** Returns the violations by time, and at most five of each checker: further ones would say nothing new. */
export function judge(history: History, bounds: Bounds, least: Least): Violation[] {
  const material = { history, bounds, lines: new Lines(history) };
  const violations = tooLittle(history, least);
  for (const { name, check } of checkers) {
    let count = 0;
    check(material, (at, what) => {
      count += 1;
      if (count <= 5) violations.push({ checker: name, at, what });
    });
  }
  return violations.toSorted((a, b) => a.at - b.at);
}

function tooLittle(history: History, least: Least): Violation[] {
  const counts = {
    ops: history.of('op').length,
    reads: history.of('read').length,
    faults: history.of('fault').length,
  };
  return (Object.keys(counts) as (keyof Least)[])
    .filter((name) => counts[name] < least[name])
    .map((name) => ({
      checker: 'enough',
      at: 0,
      what: `${counts[name]} ${name}, expected ${least[name]} at least`,
    }));
}
