/**
 * Reads text from the front, character by character. Pure.
 *
 * A frame that comes once a millisecond finds the processor's caches cold. One short loop over the characters
 * then costs a fraction of a regular expression with its captures and their conversion.
 */

export const LINE_BREAK = 0x0a;
export const BLANK = 0x20;
export const DASH = 0x2d;

const DIGIT_0 = 0x30;
const DELETE = 0x7f;
const FIRST_PRINTABLE = 0x20;
const FIRST_SURROGATE = 0xd800;
const FIRST_LOW = 0xdc00;
const LAST_SURROGATE = 0xdfff;

export class Scanner {
  readonly text: string;
  /** The index of the next character. */
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** Reads a safe integer as it is printed: digits without a leading zero. NaN where there is none. */
  count(): number {
    const { text } = this;
    const from = this.at;
    let at = from;
    let value = 0;
    for (; at < text.length; at += 1) {
      const digit = text.charCodeAt(at) - DIGIT_0;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.at = at;
    const isPrinted = at === from + 1 || (at > from && text.charCodeAt(from) !== DIGIT_0);
    return isPrinted && value <= Number.MAX_SAFE_INTEGER ? value : NaN;
  }

  /** Reads this character and the number after it; NaN where either is missing. */
  countAfter(character: number): number {
    return this.passes(character) ? this.count() : NaN;
  }

  /** Reads this character if it comes next. */
  passes(character: number): boolean {
    if (this.at >= this.text.length || this.text.charCodeAt(this.at) !== character) return false;
    this.at += 1;
    return true;
  }

  /** Reads up to the next control character or lone surrogate. */
  printable(): string {
    const { text } = this;
    const from = this.at;
    let at = from;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < FIRST_PRINTABLE || code === DELETE) break;
      // Hardly any key has surrogates, and `isWellFormed` on the whole text would cost more than this loop.
      if (code >= FIRST_SURROGATE && code <= LAST_SURROGATE && isLone(text, at, from)) break;
    }
    this.at = at;
    return text.slice(from, at);
  }

  /** Reads up to the next blank or line break. */
  word(): string {
    const { text } = this;
    const from = this.at;
    let at = from;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === BLANK || code === LINE_BREAK) break;
    }
    this.at = at;
    return text.slice(from, at);
  }

  /** Reads the rest of the line, without the line break. */
  line(): string {
    const from = this.at;
    const end = this.text.indexOf('\n', from);
    this.at = end === -1 ? this.text.length : end;
    return this.text.slice(from, this.at);
  }
}

/** Whether the surrogate at `at` lacks its other half. */
function isLone(text: string, at: number, from: number): boolean {
  const isHigh = text.charCodeAt(at) < FIRST_LOW;
  const other = isHigh ? text.charCodeAt(at + 1) : at > from ? text.charCodeAt(at - 1) : NaN;
  return isHigh
    ? !(other >= FIRST_LOW && other <= LAST_SURROGATE)
    : !(other >= FIRST_SURROGATE && other < FIRST_LOW);
}
