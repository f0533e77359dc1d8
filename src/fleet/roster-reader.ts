/** Reads what a roster has of all processes, and judges it, in slices. */
import type { Sliced, Slices } from '../base/slices.ts';
import type { Roster, RosterPage } from '../ports/roster.ts';
import type { Fleet } from './fleet.ts';
import type { Sighting } from './judge.ts';
import { judge } from './judge.ts';
import type { ProcessRecord } from './record.ts';
import { decodeRecord } from './read-record.ts';

/**
 * @param own of this process: it stands for itself where it is not on the roster
 * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY` or `REDIS_REFUSED`
 */
export async function readFleet(roster: Roster, slices: Slices, own?: ProcessRecord): Promise<Fleet> {
  const page = await roster.read();
  return slices.run(fleetOf(page, own));
}

function* fleetOf({ now, entries, leftOut }: RosterPage, own?: ProcessRecord): Sliced<Fleet> {
  const sightings: Sighting[] = [];
  for (const { id, text, restMs } of entries) {
    yield;
    // Its own text is older than what this process knows of itself.
    const record = id === own?.id ? undefined : decodeRecord(text);
    if (record?.id === id) sightings.push({ record, ageMs: Math.max(0, record.keptMs - restMs) });
  }
  if (own !== undefined && own.members.length > 0) sightings.push({ record: own, ageMs: 0 });
  return yield* judge(sightings, now, leftOut);
}
