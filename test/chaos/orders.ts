/** The messages between the chaos runs and their processes. */
import type { DirectOptions } from '../../src/index.ts';
import type { Seen } from '../history/event.ts';

export interface Task {
  readonly id: string;
  readonly redis: string;
  /** The file for the recorded events. */
  readonly file: string;
  readonly seed: number;
}

export interface OwnerTask extends Task {
  /** The port on which it serves the direct path. */
  readonly port: number;
  /** The number of its site, from 0. It makes the ids of its values unique. */
  readonly site: number;
  /** How it gets its space. */
  readonly how: 'claims' | 'stands by' | 'takes over';
}

export interface FollowerTask extends Task {
  readonly direct: DirectOptions | undefined;
}

export const TOKEN = 'a token of sixteen or more';
export const LEASE_MS = 1_000;
/** The number of sites per run, at most. */
export const SITES = 4;

export type Order =
  | { readonly do: 'rest' | 'wake' | 'look' | 'stop' }
  /** Keeps the event loop busy. */
  | { readonly do: 'block'; readonly ms: number };

export type Report =
  | { readonly about: 'born' | 'ended' }
  | { readonly about: 'ownership'; readonly ownership: string }
  | ({ readonly about: 'look' } & Look);

/** The mode and the state of a participant. */
export interface Look {
  readonly mode: string;
  readonly head: string;
  readonly state: readonly Seen[];
  /** The whole state as text, with the keys that the history leaves out. */
  readonly whole: string;
}
