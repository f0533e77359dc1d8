/** What an update costs: CPU time of the owner, of one following process, and of Redis. */
import type { Row } from './benchmark.ts';
import { ratio } from './benchmark.ts';
import type { Figures, Sampled } from './rounds.ts';

/** CPU time so far, ms. */
export interface CpuTimes {
  readonly sender: number;
  readonly receivers: readonly number[];
  /** Absent where the way goes through no Redis. */
  readonly redis?: number;
}

const PARTIES = { ownerUs: 'owner', followerUs: 'follower', redisUs: 'Redis' } as const;

/** µs an update, between two readings. Of several receiving processes, their mean counts. */
export function costOf(before: CpuTimes, after: CpuTimes, updates: number): Figures {
  const us = (fromMs: number, toMs: number): number => ((toMs - fromMs) * 1_000) / updates;
  const sum = ({ receivers }: CpuTimes): number => receivers.reduce((all, ms) => all + ms, 0);
  return {
    ownerUs: us(before.sender, after.sender),
    followerUs: us(sum(before), sum(after)) / after.receivers.length,
    ...(after.redis === undefined ? {} : { redisUs: us(before.redis ?? 0, after.redis) }),
  };
}

/** One row for each party. Without a reference, the figures stand alone. */
export function costRows(what: string, ours: Sampled, reference?: Sampled): Row[] {
  return Object.entries(PARTIES).map(([figure, party]) => {
    const name = `CPU of ${party} an update, ${what}`;
    return reference === undefined
      ? { what: name, unit: 'µs', ours: ours.medians[figure]! }
      : ratio(name, 'µs', figure, [ours, reference]);
  });
}
