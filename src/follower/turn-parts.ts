/**
 * The turn parts: takes the parts of a large turn as they come, and reads them aside, in slices. So the frame
 * that ends them finds them read, and nothing of them is seen before.
 *
 * The parts of one attempt come in order, and nothing else of their owner between them. So there is one
 * attempt at a time. Where a part is missing, nothing of its attempt is kept: the keys have it all. What is
 * kept is bounded, as what an owner sends as a turn.
 */
import type { Slices } from '../base/slices.ts';
import type { Turn } from '../state/header.ts';
import type { Part } from '../state/part.ts';
import { MAX_TURN_CHANGES, MAX_TURN_BYTES } from '../state/part.ts';
import type { Line } from '../state/position.ts';
import type { Gathering } from './gathering.ts';

/** The attempt whose parts come. */
interface Attempt extends Line {
  readonly attempt: string;
  readonly gathering: Gathering;
  readonly calledOff: AbortController;
  /** The number of parts that have come, of their changes, and of their characters. */
  parts: number;
  changes: number;
  length: number;
  /** The revision of the newest change. */
  revision: number;
  /** Resolves once all parts that have come are read. */
  read: Promise<void>;
}

export class TurnParts {
  readonly #slices: Slices;
  readonly #gather: (line: () => Line) => Gathering;
  #attempt: Attempt | undefined;

  /** @param gather returns a new gathering for changes of a line */
  constructor(slices: Slices, gather: (line: () => Line) => Gathering) {
    this.#slices = slices;
    this.#gather = gather;
  }

  /**
   * A part has come.
   * @param length of its message, UTF-16 code units
   * @returns whether it follows what has come of its attempt
   */
  add(part: Part, length: number): boolean {
    if (part.number === 1) this.#begin(part);
    const attempt = this.#attempt;
    if (attempt === undefined || !follows(attempt, part)) {
      this.forget();
      return false;
    }
    const { changes } = part;
    attempt.parts += 1;
    attempt.changes += changes.length;
    attempt.length += length;
    attempt.revision = changes.at(-1)?.revision ?? attempt.revision;
    if (attempt.changes > MAX_TURN_CHANGES || attempt.length > MAX_LENGTH) {
      this.forget();
      return false;
    }
    const { gathering, calledOff } = attempt;
    attempt.read = attempt.read.then(() => this.#slices.run(gathering.take(changes), calledOff.signal));
    attempt.read.catch(() => {});
    return true;
  }

  /**
   * Gives away the changes of a turn whose last part has come, once all of them are read; `undefined` where
   * some are missing.
   */
  async gathered({ epoch }: Line, { attempt: name, parts }: Turn): Promise<Gathering | undefined> {
    const attempt = this.#attempt;
    // planted: parts-whole
    if (attempt?.epoch !== epoch || attempt.attempt !== name || attempt.parts !== parts) return undefined;
    // What comes behind the turn calls it off no more.
    this.#attempt = undefined;
    // planted: parts-read
    await attempt.read;
    return attempt.gathering;
  }

  /** What has come is of no use any more. */
  forget(): void {
    this.#attempt?.calledOff.abort();
    this.#attempt = undefined;
  }

  #begin({ epoch, base, attempt }: Part): void {
    this.forget();
    const gathering = this.#gather(() => ({ epoch, base }));
    const calledOff = new AbortController();
    const none = { parts: 0, changes: 0, length: 0, revision: 0, read: Promise.resolve() };
    this.#attempt = { epoch, base, attempt, gathering, calledOff, ...none };
  }
}

/** Beside keys and values, a change has a revision, at most 16 characters long, and three line breaks. */
const MAX_LENGTH = MAX_TURN_BYTES + MAX_TURN_CHANGES * 20;

function follows(attempt: Attempt, { epoch, attempt: name, number, changes }: Part): boolean {
  const isNext = attempt.epoch === epoch && attempt.attempt === name && number === attempt.parts + 1;
  return isNext && (changes[0]?.revision ?? Infinity) > attempt.revision;
}
