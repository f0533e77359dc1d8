/** A way from one process to another: how it sends an update, and how it hears of one. */
import type { Tick } from '../harness/tick.ts';

/** Where a way goes. */
export interface Target {
  /** Of the server, where there is one. */
  readonly url: string;
  /** Of the sending process's own HTTP server, where it has one. */
  readonly port: number;
}

export interface Sender {
  send(key: string, value: Tick): void;
  /** Resolves when what was sent before is acknowledged. */
  acknowledged(): Promise<unknown>;
  close(): Promise<unknown> | void;
}

export interface Way {
  readonly send: (target: Target) => Promise<Sender>;
  /** Calls back with each update that becomes visible, parsed. Resolves when it is live; with the way to stop. */
  readonly receive: (target: Target, seen: (key: string, value: Tick) => void) => Promise<() => unknown>;
}
