/** The rows of a scenario: each has a bound of its figure, and the figure of a bare program beside it. */
import type { Row } from '../harness/benchmark.ts';
import type { Taken } from '../harness/slow-log.ts';

const SCRIPT_MS = 10;

export function bounded(what: string, unit: string, ours: number, limit: number, reference?: number): Row {
  return { what, unit, ours, limit, isBound: true, ...(reference === undefined ? {} : { reference }) };
}

/** The scripts of a phase. On a machine of few cores the longest one is the one that waited for a processor. */
export function scripts(what: string, ours: Taken, beside?: Taken): Row[] {
  return [
    bounded(`${what}: longest script`, 'ms', ours.longestMs, SCRIPT_MS, beside?.longestMs),
    bounded(`${what}: 99 of 100 scripts`, 'ms', ours.nearlyAllMs, SCRIPT_MS, beside?.nearlyAllMs),
  ];
}
