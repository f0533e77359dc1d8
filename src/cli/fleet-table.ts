/** The fleet as a table, and as a screen that is drawn again and again. Pure. */
import type { Fleet, FleetMember, Standing } from '../fleet/fleet.ts';
import { isFine } from '../fleet/fleet.ts';
import { inWords } from './duration.ts';
import type { Paint, Tone } from './paint.ts';
import type { Cell, Column } from './table.ts';
import { tableOf } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'STANDING' },
  { title: 'FOR', align: 'right' },
  { title: 'SPACE' },
  { title: 'ROLE' },
  { title: 'NAME' },
  { title: 'HOST' },
  { title: 'PID', align: 'right' },
  { title: 'VERSION' },
  { title: 'MODE' },
  { title: 'FRESH' },
  { title: 'BEHIND', align: 'right' },
  { title: 'HEARD', align: 'right' },
  { title: 'HEAD' },
  { title: '' },
];

const TONES: Readonly<Record<Standing, Tone>> = {
  gone: 'bad',
  silent: 'bad',
  stale: 'bad',
  behind: 'bad',
  ended: 'bad',
  degraded: 'warning',
  well: 'good',
  replaced: 'quiet',
  stopped: 'quiet',
};

/** The members as a table, in the order in which they are. */
export function fleetTable({ at, members }: Fleet, paint: Paint, width = Infinity): string {
  return tableOf(
    COLUMNS,
    members.map((member) => rowOf(member, at)),
    paint,
    width,
  );
}

/** What is wrong, in one line. */
export function fleetSummary({ members, counts }: Pick<Fleet, 'members' | 'counts'>): string {
  const wrong = Object.entries(counts).filter(([standing, n]) => n > 0 && !isFine(standing as Standing));
  const listed = wrong.map(([standing, n]) => `${n} ${standing}`).join(', ');
  const all = `${members.length} participant${members.length === 1 ? '' : 's'}`;
  return `${all}: ${listed === '' ? 'all is well' : listed}`;
}

function rowOf(member: FleetMember, at: number): (Cell | string)[] {
  const { standing, space, role, name, host, pid, version, mode, freshness, behind, ageMs, head } = member;
  const tone = TONES[standing];
  return [
    { text: standing, tone },
    inWords(at - member.since),
    { text: space, tone: 'strong' },
    role,
    name,
    host,
    String(pid),
    version,
    { text: mode, tone: mode === 'connected' ? undefined : 'warning' },
    { text: freshness, tone: freshness === 'live' ? undefined : 'bad' },
    { text: behind === null ? '-' : String(behind), tone: (behind ?? 0) > 0 ? 'warning' : undefined },
    inWords(ageMs),
    head,
    { text: isFine(standing) ? '' : whyOf(member), tone: 'quiet' },
  ];
}

/** What a person wants to know next of one that is not well. */
function whyOf({ standing, mode, reason, owner, ownerName }: FleetMember): string {
  if (standing === 'gone' || standing === 'silent') return 'its process says nothing';
  if (mode !== 'connected') return reason;
  if (owner === 'alive') return standing === 'behind' ? 'it misses changes of its owner' : reason;
  if (owner === 'never') return 'nobody owns the space';
  const who = ownerName === null ? 'its owner' : `its owner ${ownerName}`;
  return owner === 'released' ? `${who} has stopped` : `${who} is lost`;
}
