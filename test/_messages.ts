/** Messages of a channel, as tests look at them. */
import { decodeMessage } from '../src/state/message.ts';

/** The epoch in a fence; `undefined` for any other message, also one that cannot be read. */
export function decodeFence(text: string): number | undefined {
  try {
    const message = decodeMessage(text);
    return message.is === 'fence' ? message.epoch : undefined;
  } catch {
    return undefined;
  }
}
