/** A part of the fleet: some of its members, and what is to be said of the others. Pure. */
import type { Fleet, FleetMember, Standing } from './fleet.ts';
import { isFine, STANDINGS } from './fleet.ts';

/** How many members stand like what. */
export function countsOf(members: readonly FleetMember[]): Readonly<Record<Standing, number>> {
  const counts = Object.fromEntries(STANDINGS.map((standing) => [standing, 0])) as Record<Standing, number>;
  for (const { standing } of members) counts[standing] += 1;
  return counts;
}

/** Those members, as if there were no others. */
export function partOf(fleet: Fleet, isIn: (member: FleetMember) => boolean): Fleet {
  const members = fleet.members.filter(isIn);
  const isWell = members.every(({ standing }) => isFine(standing));
  return { ...fleet, members, counts: countsOf(members), isWell };
}

/** The members that are not shown. */
export interface OtherMembers {
  readonly count: number;
  /** How many of them are not well. */
  readonly notWell: number;
}

/** The first members, and how many others there are. */
export function firstOf(
  { members }: Pick<Fleet, 'members'>,
  most: number,
): { readonly shown: readonly FleetMember[]; readonly others: OtherMembers } {
  const others = members.slice(most);
  const notWell = others.filter(({ standing }) => !isFine(standing)).length;
  return { shown: members.slice(0, most), others: { count: others.length, notWell } };
}
