/** What a process shows of all processes: the types of `tandem.fleet()`. */
import type { Mode } from '../state/mode.ts';
import type { Freshness, OwnerState } from '../state/reading.ts';
import type { FleetRole } from './record.ts';
import type { Transition } from './transition.ts';

/**
 * How a participant stands, worst first.
 * - `gone`: its process has said nothing for 30 s, and never said goodbye
 * - `silent`: its process has said nothing for 4.5 s: it was killed, stands still, or cannot reach Redis
 * - `stale`: its readings are stale
 * - `behind`: it calls itself live, and misses what its owner had a second before
 * - `ended`: it has ended, and its process goes on: it was fenced, or its space was removed
 * - `degraded`: it is live, and not connected to its space in Redis
 * - `well`: none of these
 * - `replaced`: its process is gone, and one of the same name was started since
 * - `stopped`: its process has stopped, and said so
 */
export type Standing =
  'gone' | 'silent' | 'stale' | 'behind' | 'ended' | 'degraded' | 'well' | 'replaced' | 'stopped';

/** Worst first. */
export const STANDINGS: readonly Standing[] = [
  'gone',
  'silent',
  'stale',
  'behind',
  'ended',
  'degraded',
  'well',
  'replaced',
  'stopped',
];

const FINE: ReadonlySet<Standing> = new Set(['well', 'replaced', 'stopped']);

/** Whether nobody has to act. */
export function isFine(standing: Standing): boolean {
  return FINE.has(standing);
}

/** A change of state of a participant. */
export type FleetTransition = Transition;

/** An owner, standby or follower of some process. Times are on the clock of the Redis server, ms since 1970. */
export interface FleetMember {
  /** How it stands. */
  readonly standing: Standing;
  /** The name of its space. */
  readonly space: string;
  /** What it is there. */
  readonly role: FleetRole;
  /** The `connect({ name })` of its process. */
  readonly name: string;
  /** Another one with each start of a process. */
  readonly processId: string;
  /** The name of the machine of its process. */
  readonly host: string;
  /** The id of its process on that machine. */
  readonly pid: number;
  /** The version of this package there. */
  readonly version: string;
  /** When its process said all this. */
  readonly at: number;
  /** How long ago that was, ms. */
  readonly ageMs: number;
  /** As of then, and so on: of a process that is gone, what it said last. */
  readonly mode: Mode;
  /** Of the mode, for people. */
  readonly reason: string;
  /** As in its readings. */
  readonly freshness: Freshness;
  /** The time since the owner last proved the state current, ms; `null` where it never did. */
  readonly staleMs: number | null;
  /** How its owner stands, as in its readings. */
  readonly owner: OwnerState;
  /** The `connect({ name })` of that owner; `null` where it is not known. */
  readonly ownerName: string | null;
  /** Its position, as `epoch-revision`. */
  readonly head: string;
  /**
   * How many changes of its owner it is known to miss. Of one that is live, those count that the owner had
   * before: the last milliseconds do not. `null` where no owner's head can be compared.
   */
  readonly behind: number | null;
  /** Since when it stands like that, as far as it is known. */
  readonly since: number;
  /** When it was opened. */
  readonly openedAt: number;
  /** When it was last connected to its space in Redis; `null` where it never was. */
  readonly connectedAt: number | null;
  /** How often it lost that connection. */
  readonly outages: number;
  /** What happened to it last, oldest first: 20 at most. */
  readonly transitions: readonly FleetTransition[];
}

/** All processes that have registered in Redis, under one prefix. */
export interface Fleet {
  /** When Redis was asked, on the clock of its server, ms since 1970. */
  readonly at: number;
  /** Whether each participant is `well`, `replaced` or `stopped`. */
  readonly isWell: boolean;
  /** How many participants stand like that. */
  readonly counts: Readonly<Record<Standing, number>>;
  /** Worst first. */
  readonly members: readonly FleetMember[];
  /** How many participants and processes are not listed, since they are too many. */
  readonly leftOut: number;
}
