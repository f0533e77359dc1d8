/** Names of spaces, as arguments of a command. Pure. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
/** In a pattern `*` and `?` may stand for others. */
const PATTERN = /^[A-Za-z0-9*?][A-Za-z0-9._:*?-]{0,63}$/;

export const EXPECTED_NAME = "expected the name of a space: 1 to 64 letters, digits, '.', '_', ':' or '-'";
export const EXPECTED_PATTERN = "expected 1 to 64 letters, digits, '.', '_', ':', '-', '*' or '?'";

export function isSpaceName(text: string): boolean {
  return NAME.test(text);
}

export function isSpacePattern(text: string): boolean {
  return PATTERN.test(text);
}
