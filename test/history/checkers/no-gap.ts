/**
 * 2. No gap, no duplicate: at any position, a follower holds exactly what its owner held there. A watch
 * callback gets each change once and in order, except after a full sync.
 */
import { placeOf } from '../place.ts';
import type { EventOf } from '../event.ts';
import type { Checker } from './checker.ts';
import { byFollower } from './checker.ts';

export const noGap: Checker = {
  name: 'no gap, no duplicate',
  check({ history, lines }, violated) {
    for (const read of history.of('read')) {
      const { epoch, revision } = placeOf(read.head);
      const states = lines.of(epoch).map((line) => line.stateAt(revision));
      if (revision === 0 || states.every((state) => state === undefined)) continue;
      if (states.some((state) => state !== undefined && isSame(state, read))) continue;
      const state = states.find((candidate) => candidate !== undefined)!;
      violated(read.at, `${read.follower} at ${read.head} holds ${differing(state, read)}`);
    }
    const gone = new Set(history.of('unfollows').map(({ follower }) => follower));
    const followed = [...history.of('told'), ...history.of('sync')];
    for (const [follower, events] of byFollower(inOrder(history.events, followed))) {
      const syncs = events.filter(({ type }) => type === 'sync').length;
      let [last, synced, hasRestarted] = [0, 0, false];
      for (const event of events) {
        if (event.type === 'sync') {
          [last, synced, hasRestarted] = [placeOf(event.head).revision, synced + 1, false];
          continue;
        }
        const { revision } = placeOf(event.position);
        // Of many deletes in one frame, the position may be forgotten with the delete.
        if (event.id === null && revision === 0) continue;
        // A full sync tells all that it changed, from the oldest change on, and is told itself after that. A
        // follower that ends meanwhile does not come to that.
        const mayRestart = !hasRestarted && (synced < syncs || gone.has(follower));
        if (revision <= last && mayRestart) hasRestarted = true;
        else if (revision <= last) {
          const what = `${event.key} change at ${event.position}, after revision ${last}`;
          violated(event.at, `${follower} watched ${what}`);
        }
        last = revision;
      }
    }
  },
};

function inOrder<T>(all: readonly unknown[], some: readonly T[]): T[] {
  const wanted = new Set<unknown>(some);
  return all.filter((event) => wanted.has(event)) as T[];
}

function isSame(state: ReadonlyMap<string, number>, read: EventOf<'read'>): boolean {
  return state.size === read.state.length && read.state.every(([key, id]) => state.get(key) === id);
}

function differing(state: ReadonlyMap<string, number>, read: EventOf<'read'>): string {
  const held = new Map(read.state.map(([key, id]) => [key, id]));
  const keys = [...new Set([...state.keys(), ...held.keys()])].filter(
    (key) => state.get(key) !== held.get(key),
  );
  return keys.map((key) => `${key}=${held.get(key)} instead of ${state.get(key)}`).join(', ');
}
