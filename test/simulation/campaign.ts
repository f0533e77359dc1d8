/** Runs many seeds one after the other, and adds up the results. */
import type { Run } from './run.ts';
import { run } from './run.ts';

// The runs throw many errors on purpose, and nobody reads their stacks.
Error.stackTraceLimit = 0;

export interface Totals {
  seeds: number;
  operations: number;
  failed: number;
  /** How often each fault happened. */
  readonly faults: Record<string, number>;
}

/**
 * @param step the distance from one seed to the next, so that several campaigns can share a range of seeds
 */
export async function campaign(
  first: number,
  count: number,
  step: number,
  done: (run: Run) => void,
): Promise<Totals> {
  const totals: Totals = { seeds: 0, operations: 0, failed: 0, faults: {} };
  for (let seed = first; totals.seeds < count; seed += step) {
    const result = await run(seed);
    add(totals, totalsOf(result));
    done(result);
  }
  return totals;
}

function totalsOf({ operations, violations, faults }: Run): Totals {
  const struck: Record<string, number> = {};
  for (const name of faults) struck[name] = (struck[name] ?? 0) + 1;
  return { seeds: 1, operations, failed: violations.length > 0 ? 1 : 0, faults: struck };
}

export function add(totals: Totals, more: Totals): void {
  totals.seeds += more.seeds;
  totals.operations += more.operations;
  totals.failed += more.failed;
  for (const [name, count] of Object.entries(more.faults))
    totals.faults[name] = (totals.faults[name] ?? 0) + count;
}

/** Describes a failed run. */
export function failure({ seed, violations, hash }: Run): string {
  const lines = violations.map(({ checker, at, what }) => `  ${at.toFixed(3)} ${checker}: ${what}`);
  return [`seed ${seed} (trace ${hash}):`, ...lines].join('\n');
}
