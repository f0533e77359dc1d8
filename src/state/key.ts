/** Keys: which texts may be one, in any space. */

/** The longest key, UTF-16 code units. */
export const MAX_KEY_LENGTH = 512;

// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

/** The reason why a text cannot be a key in any space; `undefined` when it can. */
export function keyProblem(key: string): string | undefined {
  if (key.length === 0) return 'it is empty';
  if (key.length > MAX_KEY_LENGTH) return `it is longer than ${MAX_KEY_LENGTH} characters`;
  if (CONTROL.test(key)) return 'it holds control characters';
  if (!key.isWellFormed()) return 'it is not well-formed Unicode';
  return undefined;
}

/**
 * The length of the longest family prefix that is shorter than `length`. For `a/b/c` the first is 4 (`a/b/`),
 * the next is 2 (`a/`), and the last is 0, that of `'*'`.
 */
export function familyLength(key: string, length: number): number {
  return length < 2 ? 0 : key.lastIndexOf('/', length - 2) + 1;
}
