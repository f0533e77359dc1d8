/** What the processes of chaos are told, and what they say. */
import type { DirectOptions } from '../../src/index.ts';
import type { Seen } from '../history/event.ts';

export interface Task {
  readonly id: string;
  readonly redis: string;
  /** Where to write down what happens. */
  readonly file: string;
  readonly seed: number;
}

export interface OwnerTask extends Task {
  /** Where it serves the direct path. */
  readonly port: number;
  /** Which of the sites it is, from 0: makes its ids its own. */
  readonly site: number;
  readonly standby: boolean;
}

export interface FollowerTask extends Task {
  readonly direct: DirectOptions | undefined;
}

export const TOKEN = 'a token of sixteen or more';
export const LEASE_MS = 1_000;
/** No process has more sites than this. */
export const SITES = 4;

export type Order =
  | { readonly do: 'rest' | 'wake' | 'look' | 'stop' }
  /** Keeps the loop busy. */
  | { readonly do: 'block'; readonly ms: number };

export type Report =
  | { readonly about: 'born' | 'ended' }
  | { readonly about: 'ownership'; readonly ownership: string }
  | ({ readonly about: 'look' } & Look);

/** What a participant is and holds. */
export interface Look {
  readonly mode: string;
  readonly head: string;
  readonly state: readonly Seen[];
  /** All of it, also what is not written down, as text. */
  readonly whole: string;
}
