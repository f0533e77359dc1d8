/** The arguments of a command, by Node's own parser. */
import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { EXPECTED_PATTERN, isSpacePattern } from '../state/space-name.ts';
import { UsageError } from './console.ts';

/** @throws UsageError for an option that the command does not have, or that lacks its value */
export function parsed<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? said(error.message) : 'wrong arguments');
  }
}

/**
 * The pattern of names of spaces that a command may have as its only argument. Default: all.
 * @throws UsageError
 */
export function patternIn([pattern = '*', ...others]: readonly string[]): string {
  if (others.length > 0 || !isSpacePattern(pattern)) throw new UsageError(EXPECTED_PATTERN);
  return pattern;
}

/** In one line, and without what stands behind the name of an option: it may be a URL with a password. */
function said(message: string): string {
  const [, name] = /^Unknown option '(-{1,2}[\w-]{1,32})/.exec(message) ?? [];
  if (name !== undefined) return `there is no option ${name}`;
  if (message.startsWith('Unknown option')) return 'there is no such option';
  return message.replaceAll(/\s+/g, ' ');
}
