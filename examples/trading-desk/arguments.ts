/** The options of the processes, on the command line and in the environment, with their checks. */
import { parseArgs } from 'node:util';
import { giveUp } from './lifecycle.ts';

export const DEFAULT_SPEED = 25;
export const DEFAULT_PORT = 8080;
const MAX_SPEED = 2_000;
const MAX_SECONDS = 7 * 86_400;
export const DEFAULT_HOLD = 8;
const MAX_HOLD = 600;

/**
 * Returns the named options as text, and the flags. If they are wrong, ends the process with exit code 2 and
 * one line that says why.
 */
export function readOptions<N extends string, F extends string = never>(
  names: readonly N[],
  help: string,
  flags: readonly F[] = [],
): Partial<Record<N, string> & Record<F, boolean>> {
  const values = parse(names, flags);
  if (values['help'] === undefined) return values as Partial<Record<N, string> & Record<F, boolean>>;
  console.log(help);
  return process.exit(0);
}

function parse(
  names: readonly string[],
  flags: readonly string[],
): Record<string, string | boolean | undefined> {
  const ofType = <T>(all: readonly string[], type: T): { [name: string]: { type: T } } =>
    Object.fromEntries(all.map((name) => [name, { type }]));
  const texts = ofType(names, 'string' as const);
  const booleans = ofType(flags, 'boolean' as const);
  const help = { type: 'boolean', short: 'h' } as const;
  try {
    return parseArgs({ options: { ...texts, ...booleans, help } }).values;
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    return giveUp(`${line?.replace(/\.$/, '')}; see --help`, 2);
  }
}

/** Bars per second. */
export function readSpeed(text: string | undefined): number {
  return text === undefined ? DEFAULT_SPEED : number('--speed', text, 0.1, MAX_SPEED, 'bars per second');
}

export function readSeconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : number('--seconds', text, 1, MAX_SECONDS, 'seconds');
}

/** Seconds for which each break of the drill lasts. */
export function readHold(text: string | undefined): number {
  return text === undefined ? DEFAULT_HOLD : number('--hold', text, 0, MAX_HOLD, 'seconds');
}

export function readPort(text: string | undefined): number {
  if (!text) return DEFAULT_PORT;
  const port = number('PORT', text, 1, 65_535, 'a port number');
  return Number.isInteger(port) ? port : giveUp(`PORT: expected a whole number, got "${text}"`, 2);
}

function number(name: string, text: string, min: number, max: number, what: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= min && value <= max) return value;
  return giveUp(`${name}: expected ${what}, from ${min} to ${max}, got "${text}"`, 2);
}
