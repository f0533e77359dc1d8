/** Text that was cut out of a longer one, as text of its own: V8 keeps all of the longer one for as long as a cutting lives. */

/** Shorter ones are copied when they are cut. */
const LEAST_SLICE = 13;

/** @param text well-formed Unicode */
export function detached(text: string): string {
  return text.length < LEAST_SLICE ? text : Buffer.from(text).toString();
}
