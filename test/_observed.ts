/** An observer that records every event of a process, in order. */
import type { Happenings, Observer } from '../src/ports/observer.ts';

export type Told = { [K in keyof Happenings]: { told: K } & Happenings[K] }[keyof Happenings];

const KINDS: Record<keyof Happenings, true> = {
  committed: true,
  sent: true,
  applied: true,
  synced: true,
  gap: true,
  rejected: true,
  mismatch: true,
  opened: true,
  mode: true,
  ownership: true,
  claimed: true,
  fenced: true,
  link: true,
  error: true,
};

/** Returns an observer, and the list `told` of the events that it has recorded. */
export function keeping(): {
  observer: Observer;
  told: Told[];
  of<K extends keyof Happenings>(kind: K): Happenings[K][];
} {
  const told: Told[] = [];
  const kinds = Object.keys(KINDS) as (keyof Happenings)[];
  const entries = kinds.map((kind) => [
    kind,
    (what: object) => void told.push({ ...what, told: kind } as Told),
  ]);
  return {
    observer: Object.fromEntries(entries) as Observer,
    told,
    of: (kind) => told.filter((one) => one.told === kind) as never,
  };
}
