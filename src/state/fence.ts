/**
 * Fences: a claim publishes its epoch, and from then on no frame of a lower epoch counts. The removal of a space
 * publishes the last epoch that was claimed.
 */
import { FORMAT } from './header.ts';
import { encodeTime } from './wire-time.ts';

/** The word that marks a fence. */
export const FENCE = 'fence';

/** The word that marks a removal. */
export const REMOVED = 'removed';

/**
 * The message that a claim publishes.
 * @param publishedAt server's time, ms
 * @param fence the epoch claimed
 */
export function encodeFence(publishedAt: number, fence: number): string {
  return `${encodeTime(publishedAt)}\n${FORMAT} ${FENCE} ${fence}`;
}

/**
 * The message that a removal publishes.
 * @param publishedAt server's time, ms
 * @param fence the last epoch claimed
 */
export function encodeRemoval(publishedAt: number, fence: number): string {
  return `${encodeTime(publishedAt)}\n${FORMAT} ${REMOVED} ${fence}`;
}
