/** Names of spaces, the beginnings of names, and patterns of names. Pure. */

const FIRST = 'A-Za-z0-9';
const LATER = `${FIRST}._:-`;
const MAX_LENGTH = 64;

const NAME = new RegExp(`^[${FIRST}][${LATER}]{0,${MAX_LENGTH - 1}}$`);
/** The beginning of a name leaves room for one character. */
const START = new RegExp(`^([${FIRST}][${LATER}]{0,${MAX_LENGTH - 2}})?\\*$`);
/** In a pattern `*` and `?` may stand for others. */
const PATTERN = new RegExp(`^[*?${FIRST}][*?${LATER}]{0,${MAX_LENGTH - 1}}$`);

export const EXPECTED_NAME = `expected a space name of 1 to ${MAX_LENGTH} letters, digits, '.', '_', ':' or '-'`;
export const EXPECTED_PATTERN = `expected 1 to ${MAX_LENGTH} letters, digits, '.', '_', ':', '-', '*' or '?'`;

/** Whether a space may have this name. */
export function isSpaceName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name);
}

export function isSpacePattern(text: string): boolean {
  return PATTERN.test(text);
}

/** What names begin with that match a pattern such as `bot:*`; `undefined` where it is not of that form. */
export function startOfNames(pattern: unknown): string | undefined {
  const found = typeof pattern === 'string' ? START.exec(pattern) : null;
  return found === null ? undefined : (found[1] ?? '');
}

/** Matches the names that a pattern takes, as Redis does. */
export function spacePattern(pattern: string): RegExp {
  const source = pattern
    .replaceAll('.', String.raw`\.`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`);
}
