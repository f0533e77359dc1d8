/** A way from one process to another: how it sends an update, and how it receives one. */
import type { Tick } from '../harness/tick.ts';

/** The two ends of a way. */
export interface Target {
  /** The address of the server, if the way has one. */
  readonly url: string;
  /** The port of the sending process's own HTTP server, if it has one. */
  readonly port: number;
}

export interface Sender {
  send(key: string, value: Tick): void;
  /** Resolves when everything sent before is acknowledged. */
  acknowledged(): Promise<unknown>;
  close(): Promise<unknown> | void;
}

export interface Way {
  readonly send: (target: Target) => Promise<Sender>;
  /**
   * Calls back with each update that becomes visible, parsed. Resolves, once live, with a function to stop.
   */
  readonly receive: (target: Target, seen: (key: string, value: Tick) => void) => Promise<() => unknown>;
}
