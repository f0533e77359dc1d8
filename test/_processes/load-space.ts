/** The space that the processes of the integration tests share. */
import { defineSpace } from '../../src/index.ts';
import { z } from 'zod';

/** `sentAt` is wall-clock ms with fractions: both processes run on one machine. */
const Tick = z.object({ n: z.number(), sentAt: z.number() });

export const load = defineSpace('load', { 'key/*': Tick, 'pair/left': Tick, 'pair/right': Tick });

export const wallClock = (): number => performance.timeOrigin + performance.now();

/** How the owner process is told what to do, and what it answers. */
export type Order =
  | { do: 'load'; sets: number; keys: number; perSecond: number }
  | { do: 'set'; n: number }
  | { do: 'dump' }
  | { do: 'stop' };

/** Every process of the tests answers so. */
export interface Report {
  readonly about: 'ready' | 'loaded' | 'set' | 'dump' | 'mode' | 'error' | 'fenced';
  readonly mode?: string;
  readonly head?: string;
  readonly position?: string;
  readonly state?: Record<string, unknown>;
  readonly freshness?: string;
  readonly seen?: Seen;
  readonly code?: string;
  readonly uncommitted?: readonly { key: string; value: unknown; position: string }[];
}

/** What a follower process saw. */
export interface Seen {
  readonly changes: number;
  readonly brokenPairs: number;
  readonly wentBack: number;
  readonly syncs: number;
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number };
}
