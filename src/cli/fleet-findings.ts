/** Whether a user may register in the fleet, and read it. Pure. */
import type { FleetKeys } from '../redis/keys.ts';
import { LISTING_COMMANDS, REGISTERING_COMMANDS } from '../redis/permissions.ts';
import type { Finding } from './finding.ts';
import type { Probe } from './permission-probes.ts';

/** The probes of all commands that the fleet needs: they can only be asked for. */
export function fleetProbes({ index, start }: FleetKeys): Probe[] {
  const key = `${start}none`;
  const args: Readonly<Record<string, readonly string[]>> = {
    get: [key],
    pexpire: [index, '1'],
    pttl: [key],
    set: [key, ''],
    zadd: [index, '0', ''],
    zremrangebyscore: [index, '0', '0'],
    zrevrange: [index, '0', '0'],
  };
  const rules = [...REGISTERING_COMMANDS, ...LISTING_COMMANDS];
  return rules.map((rule) => ({ rule, command: [rule, ...(args[rule] ?? [])], isOnlyAsked: true }));
}

/**
 * A missing permission is no fault: all goes on without.
 * @param allowed by command
 */
export function fleetFindings(
  allowed: ReadonlyMap<string, boolean | undefined>,
  { pattern }: FleetKeys,
): Finding[] {
  const missing = (rules: readonly string[]): string[] => rules.filter((rule) => allowed.get(rule) === false);
  const [writing, reading] = [missing(REGISTERING_COMMANDS), missing(LISTING_COMMANDS)];
  const check = 'permissions of the fleet';
  if (writing.length + reading.length === 0)
    return [{ severity: 'good', check, found: 'this user may register, and read all processes' }];
  const rules = [...writing, ...reading].map((rule) => `+${rule}`);
  const what = reading.length === 0 ? 'is in no fleet' : 'is in no fleet, or sees no other';
  return [
    {
      severity: 'note',
      check,
      found: `missing (~${pattern} ${rules.join(' ')})`,
      meaning: `A process with this user ${what}. All else goes on: see docs/fleet.md.`,
      remedy: 'set the user anew with the line that tandem-sync acl prints',
    },
  ];
}
