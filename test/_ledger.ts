/** Ledgers that go on from a state, as after the first claim. */
import { finish } from '../src/base/slices.ts';
import type { Change } from '../src/state/change.ts';
import type { Ledger } from '../src/state/ledger.ts';
import { Loading } from '../src/state/loading.ts';
import type { Line } from '../src/state/position.ts';

/** Goes on from the state that a store has at `revision`. */
export function resume(
  ledger: Ledger,
  line: Line,
  revision: number,
  horizon: number,
  changes: readonly Change[],
  tombstoneLimit?: number,
): void {
  const loading = new Loading(line, tombstoneLimit);
  for (const { key, revision, json } of changes)
    loading.put(key, json === '' ? undefined : { json }, revision);
  loading.goOn(line, revision, horizon);
  finish(ledger.overlay(loading));
  ledger.adopt(loading);
}

/** Goes on with nothing, from the store's `revision`. */
export function startOver(ledger: Ledger, line: Line, revision: number): void {
  resume(ledger, line, revision, revision, []);
}
