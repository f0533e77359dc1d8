/**
 * Detached strings. V8 keeps the whole of a long string in memory for as long as one slice of it lives. A key
 * or a value that outlives its message is therefore copied.
 */

/** V8 copies a shorter slice anyway. */
const MIN_SLICE_LENGTH = 13;

/**
 * A copy of the text that shares no memory with a longer one.
 * @param text well-formed Unicode
 */
export function detached(text: string): string {
  return text.length < MIN_SLICE_LENGTH ? text : Buffer.from(text).toString();
}
