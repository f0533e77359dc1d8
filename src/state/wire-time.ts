/** Times as they travel: whole microseconds in a header, seconds and microseconds in front of a frame. */
import { Scanner, BLANK } from './scanner.ts';

/** Milliseconds as whole microseconds. */
export function micros(ms: number): number {
  return Math.round(ms * 1_000);
}

/**
 * A time as Redis prints it: seconds, a blank, microseconds.
 * @param ms since 1970
 */
export function encodeTime(ms: number): string {
  const whole = micros(ms);
  return `${Math.floor(whole / 1e6)} ${whole % 1e6}`;
}

/** Reads a time that `encodeTime` or Redis printed: ms since 1970; NaN for any other text. */
export function decodeTime(text: string): number {
  const scanner = new Scanner(text);
  const ms = readTime(scanner);
  return scanner.isAtEnd ? ms : NaN;
}

/** Reads seconds and microseconds from the front: ms since 1970; NaN where there are none. */
export function readTime(scanner: Scanner): number {
  const seconds = scanner.count();
  const rest = scanner.countAfter(BLANK);
  return rest < 1e6 ? (seconds * 1e6 + rest) / 1e3 : NaN;
}
