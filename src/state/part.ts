/**
 * Parts: a turn that is larger than one commit travels in parts, ahead of the frame that puts it in force.
 *
 * A part is a message: `3 part <epoch> <base> <attempt> <number>` behind the time, and then changes as in a
 * frame.
 * Parts are counted from 1, in revision order. The frame that ends them (kind `t`) has no changes, and names
 * the attempt and the number of its parts. A reader shows nothing of a part before that frame.
 */
import type { Change } from './change.ts';
import { readChange } from './change.ts';
import { FORMAT } from './header.ts';
import { invalidFrame } from './invalid-frame.ts';
import type { Line } from './position.ts';
import type { Scanner } from './scanner.ts';
import { BLANK, DASH } from './scanner.ts';

/** Followers prepare a turn of so many changes at most. A larger one replaces the whole state. */
export const MAX_TURN_CHANGES = 100_000;
/** And of so many bytes of keys and values. */
export const MAX_TURN_BYTES = 64 * 1024 * 1024;

/** The word that marks a part. */
export const PART = 'part';

export interface Part extends Line {
  /** Which staging of the turn it belongs to: a new text each time. It has no blank. */
  readonly attempt: string;
  readonly number: number;
  readonly changes: readonly Change[];
}

/** The line of a part in front of its changes. */
export function encodePartLine({ epoch, base, attempt, number }: Omit<Part, 'changes'>): string {
  return `${FORMAT} ${PART} ${epoch} ${base.epoch}-${base.revision} ${attempt} ${number}`;
}

/**
 * Reads and checks a part, from behind its word on.
 * @throws TandemError `INVALID_FRAME`
 */
export function readPart(scanner: Scanner): Part {
  const epoch = scanner.countAfter(BLANK);
  const base = { epoch: scanner.countAfter(BLANK), revision: scanner.countAfter(DASH) };
  const attempt = scanner.passes(BLANK) ? scanner.word() : '';
  const number = scanner.countAfter(BLANK);
  if (!(base.epoch < epoch && base.revision >= 0 && number > 0) || attempt === '')
    throw invalidFrame('a malformed part');
  // A later version may have more behind the number.
  while (scanner.passes(BLANK)) scanner.word();
  const changes: Change[] = [];
  let before = 0;
  while (!scanner.isAtEnd) {
    const change = readChange(scanner);
    if (change === undefined) throw invalidFrame(`a malformed change before character ${scanner.at}`);
    if (change.revision <= before) throw invalidFrame(`a change of "${change.key}" out of order`);
    before = change.revision;
    changes.push(change);
  }
  return { epoch, base, attempt, number, changes };
}
