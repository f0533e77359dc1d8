/**
 * The log of the processes on stderr: one JSON line per event. Tandem says what happens to the state, and limits
 * its lines; the processes say the rest.
 */
import type { Logger, LogLevel, LogRecord } from '../../src/index.ts';

/** The fields of a log line beside its event. */
export type Fields = Record<string, string | number | boolean | undefined>;

type Listener = (event: string, fields: Fields, level: LogLevel) => void;
let listener: Listener = () => {};

/** Calls back for each event that is logged from now on. */
export function onLog(callback: Listener): void {
  listener = callback;
}

export function logEvent(event: string, fields: Fields = {}, level: LogLevel = 'info'): void {
  listener(event, fields, level);
  console.error(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }));
}

function at(level: LogLevel) {
  return ({ event, ...fields }: LogRecord, message: string): void =>
    logEvent(event, { ...fields, message }, level);
}

/** For `connect({ log })`: a logger of pino's would do as it is. */
export const log: Logger = { info: at('info'), warn: at('warn'), error: at('error') };
