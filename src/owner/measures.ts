/** What is measured of a commit: what is told of it in this process, and what its frame says of it to others. */
import type { Runtime } from '../ports/runtime.ts';
import type { Change } from '../state/frame.ts';
import { bytesOf } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Committing } from '../ports/observer.ts';
import { printPosition } from '../state/position.ts';
import type { Measures } from '../ports/store.ts';

/**
 * @param place what the store lacks is after `from` and up to `to`; up to `told` it was announced
 * @param changes what the store lacks; `undefined` for the whole state
 */
export function describeCommit(
  { name, observers, time }: Pick<Runtime, 'name' | 'observers' | 'time'>,
  space: string,
  ledger: Ledger,
  { from, told, to }: { readonly from: number; readonly told: number; readonly to: number },
  changes: readonly Change[] | undefined,
): Committing {
  const { epoch } = ledger.head;
  const waitedMs = time.now() - ledger.setAtSince(from);
  const keys = changes?.length ?? ledger.size;
  const after = Math.max(from, told);
  return {
    space,
    owner: name,
    position: printPosition({ epoch, revision: to }),
    kind: changes === undefined ? 'replace-all' : keys === 0 ? 'heartbeat' : 'frame',
    keys,
    bytes: observers.isEmpty ? 0 : bytesOf(changes ?? ledger.everything()),
    conflated: changes === undefined ? 0 : Math.max(0, to - after - countAfter(changes, after)),
    isAnnounced: keys > 0 && changes !== undefined && to <= told,
    waitedMs: Number.isNaN(waitedMs) ? undefined : waitedMs,
  };
}

function countAfter(changes: readonly Change[], revision: number): number {
  return changes.reduce((count, change) => count + (change.revision > revision ? 1 : 0), 0);
}

/** When something was set that was set at `at` on `Time`: on the server's clock, as a frame says it. */
export function setAtOf(at: number, { clock, time }: Pick<Runtime, 'clock' | 'time'>): Measures {
  const { errorMs } = clock;
  if (Number.isNaN(at) || !Number.isFinite(errorMs)) return {};
  // Both clocks are read at one moment: what is done between would be counted as an error.
  const setAt = clock.now() - (time.now() - at);
  // What a header rounds away is counted against us.
  return { setAt: Math.max(0, setAt), setErrorMs: errorMs + 0.001 };
}
