/** Fences: a claim publishes its epoch, and from then on no frame of a lower epoch counts. */
import { FORMAT } from './header.ts';
import { encodeTime } from './wire-time.ts';

/**
 * The message that a claim publishes.
 * @param publishedAt server's time, ms
 * @param fence the epoch claimed
 */
export function encodeFence(publishedAt: number, fence: number): string {
  return `${encodeTime(publishedAt)}\n${FORMAT} fence ${fence}`;
}

const FENCE = new RegExp(`^\\d{1,12} \\d{1,6}\\n${FORMAT} fence ([1-9]\\d{0,15})$`);
const MAX_FENCE_LENGTH = 45;

/** The epoch in a fence; `undefined` for a message that is a frame. */
export function decodeFence(message: string): number | undefined {
  // This runs for every frame, and the length alone rules out nearly all of them.
  if (message.length > MAX_FENCE_LENGTH) return undefined;
  const [, fence] = FENCE.exec(message) ?? [];
  return fence === undefined ? undefined : Number(fence);
}
