/** What is measured of a commit: what is told of it in this process, and what its frame says of it to others. */
import type { ServerClock } from '../base/clock.ts';
import type { Surroundings } from './desk.ts';
import type { Change, Frame } from '../state/frame.ts';
import type { Ledger } from '../state/ledger.ts';
import type { Applied, Committing } from '../ports/observer.ts';
import { printPosition } from '../state/position.ts';
import type { Measures } from '../ports/store.ts';

/**
 * @param place what the store lacks is after `from` and up to `to`; up to `told` it was announced
 * @param changes what the store lacks; `undefined` for the whole state
 */
export function describeCommit(
  { name, observers, time }: Pick<Surroundings, 'name' | 'observers' | 'time'>,
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
    kind: changes === undefined ? 'swap' : keys === 0 ? 'beacon' : 'frame',
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
export function setAtOf(at: number, { clock, time }: Pick<Surroundings, 'clock' | 'time'>): Measures {
  const { errorMs } = clock;
  if (Number.isNaN(at) || !Number.isFinite(errorMs)) return {};
  // Both clocks are read at one moment: what is done between would be counted as an error.
  const setAt = clock.now() - (time.now() - at);
  // What a header rounds away is counted against us.
  return { setAt: Math.max(0, setAt), setErrorMs: errorMs + 0.001 };
}

/** How long a frame took from `set` to being visible here, so long ago, by the clock that its times are on. */
export function latencyOf(
  { setAt, setErrorMs = 0, publishedAt, isAhead }: Frame,
  clock: ServerClock,
  agoMs: number,
): Pick<Applied, 'updateLatencyMs' | 'errorMs' | 'ownerMs' | 'followerMs'> {
  const now = clock.now() - agoMs;
  return {
    updateLatencyMs: setAt === undefined ? undefined : now - setAt,
    errorMs: clock.errorMs + setErrorMs,
    // What was announced bears no time of Redis's: nobody knows when it was there.
    ownerMs: setAt === undefined || isAhead ? undefined : publishedAt - setAt,
    followerMs: isAhead ? undefined : now - publishedAt,
  };
}

/** Keys and values of changes, in UTF-8. */
export function bytesOf(changes: readonly Change[]): number {
  let bytes = 0;
  for (const { key, json } of changes) bytes += Buffer.byteLength(key) + Buffer.byteLength(json);
  return bytes;
}
