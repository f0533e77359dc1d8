/** What the keys of a space say about it, in one line. Pure. */
import type { Head } from '../ports/store.ts';
import { printPosition } from '../state/position.ts';
import type { OwnerState } from '../state/reading.ts';
import { inWords } from './duration.ts';
import type { Tone } from './paint.ts';
import type { Cell, Column } from './table.ts';

export interface SpaceSummary {
  readonly space: string;
  readonly owner: OwnerState;
  /** The name of the last owner. */
  readonly ownerName: string | null;
  /** The rest of the lease, ms; null where there is none, or where it has no end. */
  readonly leaseMs: number | null;
  /** The position of the last commit. */
  readonly head: string;
  /** The number of keys that hold a value, without those of a large turn that is not settled yet. */
  readonly keys: number;
  /** The time since the last commit or heartbeat in Redis, ms; null where there was none. */
  readonly ageMs: number | null;
  /** The subscriptions to the channel; null where this user may not ask. */
  readonly subscribers: number | null;
  /** What is wrong with the keys; null where nothing is. */
  readonly problem: string | null;
}

export function summaryOf(space: string, head: Head, subscribers: number | null): SpaceSummary {
  return {
    space,
    owner: ownerOf(head),
    ownerName: head.ownerName === '' ? null : head.ownerName,
    leaseMs: head.leaseMs > 0 && head.leaseMs < Infinity ? head.leaseMs : null,
    head: printPosition(head),
    keys: head.size,
    ageMs: head.cutAt === 0 ? null : Math.max(0, Math.round(head.now - head.cutAt)),
    subscribers,
    problem: problemOf(head),
  };
}

/** As readings say it. */
export function ownerOf({ leaseMs, owner, fence }: Pick<Head, 'leaseMs' | 'owner' | 'fence'>): OwnerState {
  if (leaseMs > 0) return 'alive';
  if (fence === 0) return 'never';
  return owner === '' ? 'released' : 'lost';
}

function problemOf({ wrongTypes, keysLost, keysAdded, leaseMs }: Head): string | null {
  if (wrongTypes.length > 0) return `${wrongTypes[0]!.key} is a ${wrongTypes[0]!.found}`;
  if (keysAdded === true) return 'somebody added keys';
  if (keysLost) return 'keys were lost';
  return leaseMs === Infinity ? 'its lease has no expiry' : null;
}

export const SUMMARY_COLUMNS: readonly Column[] = [
  { title: 'SPACE' },
  { title: 'OWNER' },
  { title: 'NAME' },
  { title: 'LEASE', align: 'right' },
  { title: 'KEYS', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'SUBSCRIBERS', align: 'right' },
  { title: 'HEAD' },
  { title: '' },
];

const TONES: Readonly<Record<OwnerState, Tone>> = {
  alive: 'good',
  released: 'quiet',
  lost: 'bad',
  never: 'quiet',
};

export function summaryRow(summary: SpaceSummary): Cell[] {
  const { space, owner, ownerName, leaseMs, keys, ageMs, subscribers, head, problem } = summary;
  return [
    { text: space, tone: 'strong' },
    { text: owner, tone: TONES[owner] },
    { text: ownerName ?? '-' },
    { text: inWords(leaseMs) },
    { text: String(keys) },
    { text: inWords(ageMs) },
    { text: subscribers === null ? '?' : String(subscribers) },
    { text: head },
    { text: problem ?? '', tone: 'bad' },
  ];
}
