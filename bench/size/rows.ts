/** The rows of a scenario: each has a bound of its figure, and the figure of a bare program beside it. */
import type { Row } from '../harness/benchmark.ts';

export function bounded(what: string, unit: string, ours: number, limit: number, reference?: number): Row {
  return { what, unit, ours, limit, isBound: true, ...(reference === undefined ? {} : { reference }) };
}
