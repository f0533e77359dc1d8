/**
 * What the keys and channels of a process begin with. Processes with other prefixes neither see nor disturb
 * each other on one Redis. Pure.
 */
import { kindOf } from '../base/kind.ts';
import { TandemError } from '../base/errors.ts';

export const DEFAULT_PREFIX = 'tandem';
/** Characters. */
const LONGEST = 128;
const BRACE = /[{}]/;
/** They stand for something else in a pattern of an ACL, or where its line is read. */
const OTHERS = /[*?[\]\\"'\s\p{C}]/u;

/**
 * Returns the prefix if keys can begin with it.
 * @throws TandemError `INVALID_OPTION`
 */
export function requirePrefix(prefix: unknown): string {
  if (typeof prefix !== 'string' || prefix === '') throw refused(kindOf(prefix));
  if (prefix.length > LONGEST) throw refused(`one of ${prefix.length}`);
  if (BRACE.test(prefix))
    throw refused('a brace, which breaks the hash tag of each key: the name of its space');
  if (OTHERS.test(prefix)) throw refused('one with others');
  return prefix;
}

function refused(got: string): TandemError {
  return new TandemError(
    'INVALID_OPTION',
    `prefix: expected 1 to ${LONGEST} characters, with no brace, blank, quote, backslash, control character, "*", "?", "[" or "]", got ${got}`,
  );
}
