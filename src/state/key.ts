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
