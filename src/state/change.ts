/**
 * Changes as they travel: three lines each, with a key, a revision, and the value as JSON or an empty line
 * for a delete. Neither keys nor JSON hold a line break, so nothing is escaped and nothing is copied twice.
 */
import { MAX_KEY_LENGTH } from './key.ts';
import { LINE_BREAK, Scanner } from './scanner.ts';

export interface Change {
  readonly key: string;
  readonly revision: number;
  /** JSON text; empty for a delete. */
  readonly json: string;
  /** The value that the schema reads from `json`, where somebody has read it already. */
  value?: unknown;
}

/** Changes as text. A line break comes before each of their lines. */
export function encodeChanges(changes: Iterable<Change>): string {
  let lines = '';
  for (const { key, revision, json } of changes) lines += `\n${key}\n${revision}\n${json}`;
  return lines;
}

/** A value of so many characters or more stands in a text of its own. */
const LONG = 65_536;

/**
 * Changes as texts that are to be joined: lines, and long values by turns. So nobody has to cut a long value
 * out of the lines. The first and the last text are lines, which may be empty.
 * @param start what the first text begins with
 */
export function encodeTexts(start: string, changes: Iterable<Change>): string[] {
  const texts: string[] = [];
  let lines = start;
  for (const { key, revision, json } of changes) {
    lines += `\n${key}\n${revision}\n`;
    if (json.length < LONG) lines += json;
    else {
      texts.push(lines, json);
      lines = '';
    }
  }
  texts.push(lines);
  return texts;
}

/** The length of a change's key and value, bytes of UTF-8. */
export function sizeOf({ key, json }: Pick<Change, 'key' | 'json'>): number {
  return Buffer.byteLength(key) + Buffer.byteLength(json);
}

/** The length of keys and values together, bytes of UTF-8. */
export function bytesOf(changes: readonly Change[]): number {
  let bytes = 0;
  for (const change of changes) bytes += sizeOf(change);
  return bytes;
}

/**
 * The changes of a page that was read from Redis. Somebody may have edited the keys there by hand: a
 * malformed change or one out of order is left out, and makes the page unsound.
 * @param texts lines, and values by turns: a value stands behind the lines of its key and revision
 */
export function decodePage(...texts: readonly string[]): { changes: Change[]; isSound: boolean } {
  const changes: Change[] = [];
  let isSound = true;
  let before = 0;
  for (let at = 0; at < texts.length; at += 2) {
    const scanner = new Scanner(texts[at]!);
    const value = texts[at + 1] ?? '';
    while (!scanner.isAtEnd) {
      let change = readChange(scanner);
      if (change === undefined || change.revision <= before) isSound = false;
      else {
        before = change.revision;
        if (value !== '' && scanner.isAtEnd) change = { ...change, json: value };
        changes.push(change);
      }
    }
  }
  return { changes, isSound };
}

/**
 * Reads the next three lines; `undefined` where they are no change. The scanner is behind them in either
 * case.
 */
export function readChange(scanner: Scanner): Change | undefined {
  const from = scanner.at;
  const key = scanner.passes(LINE_BREAK) ? scanner.printable() : '';
  const revision = scanner.countAfter(LINE_BREAK);
  const isSound =
    revision > 0 && key.length > 0 && key.length <= MAX_KEY_LENGTH && scanner.passes(LINE_BREAK);
  if (isSound) return { key, revision, json: scanner.line() };
  scanner.at = from;
  for (let lines = 0; lines < 3; lines += 1) {
    scanner.passes(LINE_BREAK);
    scanner.line();
  }
  return undefined;
}
