/**
 * Reads text from the front, character by character. Pure.
 *
 * A frame that comes once a millisecond finds the processor's caches full of other things. What is read in one short loop costs a
 * fraction then of what an expression, its captures and their conversion cost.
 */

const DIGIT_0 = 0x30;
const DELETE = 0x7f;
const FIRST_PRINTABLE = 0x20;
const FIRST_SURROGATE = 0xd800;
const FIRST_LOW = 0xdc00;
const LAST_SURROGATE = 0xdfff;

export class Scanner {
  readonly text: string;
  /** How much of it is behind. */
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** A whole number that can be counted on, as it is printed: digits, and no zero before others. NaN where there is none. */
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

  /** The number behind this character; NaN where either is not there. */
  countAfter(character: number): number {
    return this.passes(character) ? this.count() : NaN;
  }

  /** Whether this character comes next; then it is behind. */
  passes(character: number): boolean {
    if (this.at >= this.text.length || this.text.charCodeAt(this.at) !== character) return false;
    this.at += 1;
    return true;
  }

  /** Up to the next control character, or half of one that is written in two. */
  printable(): string {
    const { text } = this;
    const from = this.at;
    let at = from;
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code < FIRST_PRINTABLE || code === DELETE) break;
      // Hardly any key is written so, and asking the whole text costs more than reading it.
      if (code >= FIRST_SURROGATE && code <= LAST_SURROGATE && isHalf(text, at, from)) break;
    }
    this.at = at;
    return text.slice(from, at);
  }

  /** What is left of the line; its end is not behind yet. */
  line(): string {
    const from = this.at;
    const end = this.text.indexOf('\n', from);
    this.at = end === -1 ? this.text.length : end;
    return this.text.slice(from, this.at);
  }
}

/** Of a character that is written in two, whether the other half is missing. */
function isHalf(text: string, at: number, from: number): boolean {
  const isHigh = text.charCodeAt(at) < FIRST_LOW;
  const other = isHigh ? text.charCodeAt(at + 1) : at > from ? text.charCodeAt(at - 1) : NaN;
  return isHigh
    ? !(other >= FIRST_LOW && other <= LAST_SURROGATE)
    : !(other >= FIRST_SURROGATE && other < FIRST_LOW);
}
