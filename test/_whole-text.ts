/** The whole text of a long message, once it is made. */
import type { LongMessage } from '../src/base/text.ts';

export async function wholeText({ head, body, tail }: LongMessage): Promise<string> {
  try {
    await body.text.made;
    let text = head;
    for (let piece = body.next(); piece !== undefined; piece = body.next()) text += piece.toString();
    return text + tail;
  } finally {
    body.close();
  }
}
