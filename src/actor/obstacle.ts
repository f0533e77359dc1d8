/**
 * What stands in the way of a wait that times out, in words: a caller who waited in vain needs it, to know
 * whether to wait longer or to call somebody. It has names, times and positions, and never a value.
 */
import type { Obstacle, TandemError } from '../base/errors.ts';
import type { Link, Store } from '../ports/store.ts';
import type { Mode } from '../state/mode.ts';
import type { OwnerState } from '../state/reading.ts';

/** A participant's way to Redis, as far as an obstacle may lie on it. */
export interface Way {
  readonly links: readonly Link[];
  readonly store: Pick<Store, 'commands'>;
  readonly mode: Mode;
  /** The reason of the mode, for people. */
  readonly reason: string;
  readonly lastError: TandemError | undefined;
}

/** @param more what else the participant knows, each in words; an empty text says nothing */
export function obstacleOf(way: Way, more: readonly string[]): Obstacle {
  const down = way.links.filter(({ up }) => !up);
  const isOut = way.mode !== 'connected' && down.length === 0;
  const texts = [
    ...down.map((link) => ofLink(link, link === way.store.commands)),
    ...(isOut ? [`${way.links[0]?.name ?? 'Redis'} is up, and the mode is ${way.mode} (${way.reason})`] : []),
    ...more.filter((text) => text !== ''),
  ];
  const cause = down.find(({ error }) => error)?.error ?? (isOut ? way.lastError : undefined);
  return { text: texts.join('; '), cause };
}

function ofLink({ error, name: given }: Link, isForCommands: boolean): string {
  const name = given ?? `the connection to Redis for ${isForCommands ? 'commands' : 'messages'}`;
  return error === undefined ? `${name} is not up yet` : `${name} is down: ${error.message}`;
}

/** A follower's owner, in words. */
export function ownerWords(owner: OwnerState, name: string | undefined): string {
  const who = name === undefined ? 'the owner' : `the owner "${name}"`;
  if (owner === 'never') return 'no owner was ever heard';
  if (owner === 'released') return `${who} has stopped, and released the space`;
  if (owner === 'lost') return `${who} is gone: its lease has run out`;
  return `${who} is alive`;
}

/** Another owner's lease that a claim waits for, in words. */
export function leaseWords({ ownerName, leaseMs }: HeldBy): string {
  return `"${ownerName}" holds the space: its lease runs for another ${Math.ceil(leaseMs)} ms, unless it is renewed`;
}

/** The owner that a claim waits for. */
export interface HeldBy {
  /** Its `connect({ name })`. */
  readonly ownerName: string;
  /** For how long its lease still runs, ms. */
  readonly leaseMs: number;
}
