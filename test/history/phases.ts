/** The phases of a history without faults: each lasts from one `healed` to the next. */
import type { EventOf, History } from './event.ts';

export interface Phase {
  /** Or the last stall of the machine before all became equal: a stall is a fault like others. */
  readonly healedAt: number;
  readonly convergedAt: number | undefined;
  /** Undefined if the machine stalled before the rest. */
  readonly restedAt: number | undefined;
  readonly finals: readonly EventOf<'final'>[];
}

export function phasesOf(history: History): Phase[] {
  const [converged, rested, finals] = [history.of('converged'), history.of('rested'), history.of('final')];
  const stalls = history.of('stalled');
  const healed = history.of('healed').map(({ at }) => at);
  return healed.map((startedAt, n) => {
    const nextAt = healed[n + 1] ?? Infinity;
    const isIn = ({ at }: { at: number }): boolean => at >= startedAt && at < nextAt;
    const convergedAt = converged.find(isIn)?.at;
    const restedAt = rested.find(isIn)?.at;
    const stalled = stalls.filter(isIn).map(({ at }) => at);
    const before = stalled.filter((at) => at <= (convergedAt ?? Infinity));
    const isCalm = stalled.every((at) => at > (restedAt ?? Infinity) || before.includes(at));
    return {
      healedAt: Math.max(startedAt, ...before),
      convergedAt,
      restedAt: isCalm ? restedAt : undefined,
      finals: finals.filter(isIn),
    };
  });
}
