/** The log on stderr, for an application that gives no logger: a line of plain text each. */
import { isoTime, systemTime } from '../base/time.ts';
import type { LogLevel } from './logger.ts';

const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]+/gu;

/** @param wall ms since 1970 */
export function lineOf(wall: number, level: LogLevel, text: string): string {
  return `${isoTime(wall)} tandem ${level.toUpperCase()} ${text.replaceAll(CONTROL, ' ')}`;
}

/** The writes that have not ended. */
let pending = 0;

/**
 * Writes a line. Where nobody reads stderr any more, Node emits an error there that would end the process, also for
 * writes of `console.error`. It is caught for as long as a write of this module may cause it, and no longer:
 * the application's own writes fail as they always do.
 */
export function writeLine(line: string): void {
  const { stderr } = process;
  pending += 1;
  if (pending === 1) stderr.on('error', ignore);
  const ended = (): void => {
    pending -= 1;
    if (pending === 0) stderr.off('error', ignore);
  };
  // The error is emitted after the callback.
  stderr.write(`${line}\n`, () => systemTime.nextTurn(ended));
}

function ignore(): void {}
