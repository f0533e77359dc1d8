/** Reads what a roster has of all processes, and judges it. */
import type { Roster } from '../ports/roster.ts';
import type { Fleet } from './fleet.ts';
import type { Sighting } from './judge.ts';
import { judge } from './judge.ts';
import type { ProcessRecord } from './record.ts';
import { decodeRecord } from './read-record.ts';

/**
 * @param own of this process: it stands for itself where it is not on the roster
 * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY` or `REDIS_REFUSED`
 */
export async function readFleet(roster: Roster, own?: ProcessRecord): Promise<Fleet> {
  const { now, entries, leftOut } = await roster.read();
  const sightings = entries.flatMap(({ id, text, restMs }): Sighting | readonly Sighting[] => {
    const record = decodeRecord(text);
    // Its own text is older than what this process knows of itself.
    if (record === undefined || record.id !== id || id === own?.id) return [];
    return { record, ageMs: Math.max(0, record.keptMs - restMs) };
  });
  if (own !== undefined && own.members.length > 0) sightings.push({ record: own, ageMs: 0 });
  return judge(sightings, now, leftOut);
}
