/** The words of the log. Each phrase goes on from a subject, as in "The follower of space "trading" has stopped". */
import { isoTime } from '../base/time.ts';
import type { Role } from '../ports/observer.ts';
import type { Mode, Ownership } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** A span of time in the two largest units that matter. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < MINUTE_MS) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`;
  const minutes = Math.floor(ms / MINUTE_MS);
  if (ms < HOUR_MS) return `${minutes} min ${Math.floor((ms % MINUTE_MS) / SECOND_MS)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** An owner by its name, where it is known. */
export function named(ownerName: string | undefined): string {
  return ownerName === undefined ? 'the owner' : `the owner "${ownerName}"`;
}

/** What a participant is, for people: an owner that has not led yet may be a standby. */
export function kindOfParticipant(role: Role, ownership: Ownership | undefined): string {
  return ownership === 'standby' ? 'standby' : role;
}

/** @param afterMs for how long it was not, ms; `undefined` where no line has said that it was not */
export function connectedPhrase(afterMs: number | undefined, isAgain: boolean): string {
  const what = isAgain ? 'is connected again' : 'is connected';
  return afterMs === undefined ? what : `${what}, after ${duration(afterMs)}`;
}

export function degradedPhrase(since: number, reason: string): string {
  return `has been degraded since ${isoTime(since)}: ${reason}`;
}

export function stalePhrase(since: number, reason: string): string {
  return `has been stale since ${isoTime(since)}: ${reason}`;
}

/** @param afterMs for how long it was stale, ms; `undefined` where no line has said that it was */
export function livePhrase(afterMs: number | undefined): string {
  return afterMs === undefined ? 'is live' : `is live again, after ${duration(afterMs)}`;
}

export function ownerAlivePhrase(ownerName: string | undefined, before: Owner): string {
  const hasOther =
    ownerName !== undefined && before.ownerName !== undefined && before.ownerName !== ownerName;
  if (hasOther) return `hears a new owner, "${ownerName}", in place of "${before.ownerName}"`;
  return before.owner === 'never' ? `hears ${named(ownerName)}` : `hears ${named(ownerName)} again`;
}

/** @param isOut whether Redis cannot be heard */
export function ownerGonePhrase({ owner, ownerName }: Owner, since: number, isOut: boolean): string {
  if (owner === 'released')
    return `knows from ${named(ownerName)} that it has stopped, and released the space`;
  if (owner === 'never') return 'knows of no owner any more';
  const lost = `counts ${named(ownerName)} as lost since ${isoTime(since)}: its lease is over`;
  return isOut ? `${lost}, as far as can be told while this process is not connected` : lost;
}

export function waitsPhrase({
  ownerName,
  leaseMs,
}: {
  readonly ownerName: string;
  readonly leaseMs: number;
}): string {
  return `waits for the lease of "${ownerName}", which runs for another ${duration(leaseMs)} unless it is renewed`;
}

export function tookOverPhrase({ owner, ownerName }: Owner): string {
  if (owner === 'lost') return `has taken over the space, after ${named(ownerName)} was lost`;
  if (owner === 'released') return `has taken over the space, which ${named(ownerName)} had released`;
  return 'has taken over the space';
}

export function stoppedPhrase(hasLed: boolean, owner: OwnerState): string {
  if (!hasLed) return 'has stopped';
  if (owner === 'released') return 'has stopped, and released the space with all of its changes committed';
  return 'has stopped without releasing the space: Redis has not confirmed all of it';
}

export function uncommittedPhrase(changes: number): string {
  return `has ended with ${changes} change${changes === 1 ? '' : 's'} that Redis never confirmed`;
}

/** @param again how often it came since it was written last */
export function failedPhrase(code: string, text: string, again: number): string {
  const times =
    again > 0 ? ` (and ${again} time${again === 1 ? '' : 's'} more since it was last logged)` : '';
  return `reports ${code}: ${text}${times}`;
}

export function leftOutPhrase(lines: number, withinMs: number, now: State): string {
  const what = `has changed so often that ${lines} line${lines === 1 ? ' was' : 's were'} left out`;
  const owner = `, and its owner is ${OWNERS[now.owner]}`;
  return `${what} within ${duration(withinMs)}: it is ${now.mode} and ${now.freshness} now${owner}`;
}

/** Why readings are stale, where it is not Redis. */
export function staleReason({ owner, ownerName }: Owner, staleMs: number): string {
  if (owner === 'never') return 'no owner of the space was ever heard';
  if (owner === 'released') return `${named(ownerName)} has stopped, and released the space`;
  if (owner === 'lost') return `${named(ownerName)} is lost: its lease is over`;
  if (!Number.isFinite(staleMs)) return 'nothing has proved the state current yet';
  return `nothing from ${named(ownerName)} has proved the state current for ${duration(staleMs)}`;
}

/** Who owns the space, as far as it was told. */
export interface Owner {
  readonly owner: OwnerState;
  readonly ownerName: string | undefined;
}

/** The state of a participant, as its events told it. */
export interface State extends Owner {
  readonly mode: Mode;
  readonly freshness: Freshness;
}

const OWNERS: Readonly<Record<OwnerState, string>> = {
  alive: 'alive',
  released: 'gone, having released the space',
  lost: 'lost',
  never: 'not known',
};
