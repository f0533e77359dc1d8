import { TandemError } from '../base/errors.ts';

/**
 * The error for a frame that arrived and cannot be used.
 * @param problem completes "a frame that cannot be used: …"
 */
export function invalidFrame(problem: string): TandemError {
  return new TandemError('INVALID_FRAME', `a frame that cannot be used: ${problem}`);
}
