/** The error for a store whose count of keys is wrong: it has lost some, or somebody else has added some. */
import { TandemError } from '../base/errors.ts';

/**
 * @param areAdded whether the store holds more than its owner has set, and has lost nothing
 */
export function keysError(space: string, areAdded: boolean): TandemError {
  if (areAdded) {
    const what = `Redis holds keys of space "${space}" that its owner never set`;
    return new TandemError('CONTENT_MISMATCH', what);
  }
  return new TandemError('KEYS_LOST', `Redis has lost keys of space "${space}"`);
}
