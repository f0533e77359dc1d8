/** The kind of a value, as a noun for an error message. It never shows the value, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  if (Array.isArray(value)) return 'an array';
  if (value === '') return 'an empty string';
  if (typeof value !== 'object') return NOUNS[typeof value] ?? `a ${typeof value}`;
  return `an object${classOf(value)}`;
}

const NOUNS: Readonly<Record<string, string>> = { undefined: 'undefined', object: 'an object' };

/**
 * The class of an object, in parentheses. Nothing for a plain object, or where a proxy or a getter throws.
 */
function classOf(value: object): string {
  try {
    const name: unknown = value.constructor?.name;
    return typeof name === 'string' && /^[A-Z]\w{0,40}$/.test(name) && name !== 'Object' ? ` (${name})` : '';
  } catch {
    return '';
  }
}

/** Whether an object is written as `{ … }`, in this realm or in another. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
