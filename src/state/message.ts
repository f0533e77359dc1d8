/**
 * Messages: what a space's channel carries. A message is a frame, a part of one, the fence of a claim, or the
 * removal of the space.
 *
 *   first line    the time of publication, seconds and microseconds
 *   second line   `3 <epoch> …` is a frame; `3 fence <epoch>` is a fence; `3 part …` is a part of a large turn;
 *                 `3 removed <epoch>` is a removal; `3 <another word> …` is of a kind that this version does not know
 *
 * A reader ignores messages of unknown kinds, so that a later version may add some. It must not guess at
 * another version: nothing of such a message is read.
 */
import { TandemError } from '../base/errors.ts';
import { FENCE, REMOVED } from './fence.ts';
import type { Frame } from './frame.ts';
import { MAX_PUBLISHED_LENGTH, readFrame } from './frame.ts';
import { FORMAT } from './header.ts';
import { invalidFrame } from './invalid-frame.ts';
import type { Part } from './part.ts';
import { PART, readPart } from './part.ts';
import { BLANK, LINE_BREAK, Scanner } from './scanner.ts';
import { readTime } from './wire-time.ts';

export type Message =
  | { readonly is: 'frame'; readonly frame: Frame }
  | { readonly is: 'fence'; readonly epoch: number }
  | { readonly is: 'removed'; readonly epoch: number }
  | { readonly is: 'part'; readonly part: Part }
  | { readonly is: 'unknown' };

const UNKNOWN: Message = { is: 'unknown' };

/**
 * Reads and checks a message.
 * @param maxLength UTF-16 code units; default the longest frame that may be published
 * @throws TandemError `INVALID_FRAME`, or `UNKNOWN_VERSION` for a message of another version of the wire
 */
export function decodeMessage(text: string, maxLength = MAX_PUBLISHED_LENGTH): Message {
  if (text.length > maxLength) throw invalidFrame(`${text.length} characters`);
  const scanner = new Scanner(text);
  const publishedAt = readTime(scanner);
  const version = scanner.countAfter(LINE_BREAK);
  if (Number.isNaN(publishedAt + version)) throw invalidFrame('no time, or no version');
  if (version !== FORMAT) throw unknownVersion(version);
  if (!scanner.passes(BLANK)) throw invalidFrame('nothing behind its version');
  if (!isWordNext(scanner)) {
    const frame = readFrame(scanner, publishedAt);
    return frame === undefined ? UNKNOWN : { is: 'frame', frame };
  }
  const word = scanner.word();
  if (word === PART) return { is: 'part', part: readPart(scanner) };
  if (word !== FENCE && word !== REMOVED) return UNKNOWN;
  const epoch = scanner.countAfter(BLANK);
  if (!(epoch > 0) || !(scanner.isAtEnd || scanner.passes(BLANK)))
    throw invalidFrame(`a message "${word}" without an epoch`);
  return { is: word, epoch };
}

/**
 * Reads and checks a message that has to be a frame.
 * @param maxLength as for `decodeMessage`
 * @throws TandemError as `decodeMessage`; `INVALID_FRAME` also for a message of another kind
 */
export function decodeFrame(text: string, maxLength?: number): Frame {
  const message = decodeMessage(text, maxLength);
  if (message.is !== 'frame') throw invalidFrame('another kind of message');
  return message.frame;
}

const A = 0x61;
const Z = 0x7a;

function isWordNext({ text, at }: Scanner): boolean {
  const code = text.charCodeAt(at);
  return code >= A && code <= Z;
}

function unknownVersion(version: number): TandemError {
  const advice =
    version > FORMAT
      ? 'upgrade this process before the owner'
      : 'upgrade the owner, or go back with this process';
  return new TandemError(
    'UNKNOWN_VERSION',
    `a message of version ${version} of the wire, where this process reads version ${FORMAT}: ${advice} (docs/upgrading.md)`,
  );
}
