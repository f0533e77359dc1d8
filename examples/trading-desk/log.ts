/**
 * The log of the processes on stderr: one JSON line per event. Repeated errors are limited, so an outage does
 * not flood it.
 */
import type { TandemError } from '../../src/index.ts';

const QUIET_MS = 10_000;

/** The fields of a log line beside its event. */
export type Fields = Record<string, string | number | boolean | undefined>;

type Listener = (event: string, fields: Fields) => void;
let listener: Listener = () => {};

/** Calls back for each event that is logged from now on. */
export function onLog(callback: Listener): void {
  listener = callback;
}

export function logEvent(event: string, fields: Fields = {}): void {
  listener(event, fields);
  console.error(JSON.stringify({ time: new Date().toISOString(), event, ...fields }));
}

/** Logs each error code at most once in ten seconds. The next line says how many errors were left out. */
export class ErrorLog {
  readonly #told = new Map<string, { at: number; leftOut: number }>();

  note({ code, message }: TandemError): void {
    const now = performance.now();
    const told = this.#told.get(code);
    if (told && now - told.at < QUIET_MS) {
      told.leftOut += 1;
      return;
    }
    this.#told.set(code, { at: now, leftOut: 0 });
    logEvent('error', { code, message, ...(told?.leftOut ? { leftOut: told.leftOut } : {}) });
  }
}
