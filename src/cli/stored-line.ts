/** A key as Redis has it, as a line of JSON. Pure. */
import type { Line } from '../state/position.ts';
import { epochIn, printPosition } from '../state/position.ts';

/** `value`, or `unreadable` where somebody has written what is no JSON. */
export interface StoredLine {
  readonly key: string;
  readonly value?: unknown;
  /** The text that Redis has in the place of JSON. */
  readonly unreadable?: string;
  /** Where the key last changed. */
  readonly position: string;
}

export function storedLine(
  line: Line,
  key: string,
  { revision, json }: { readonly revision: number; readonly json: string },
): StoredLine {
  const position = printPosition({ epoch: epochIn(line, revision), revision });
  try {
    return { key, value: JSON.parse(json) as unknown, position };
  } catch {
    return { key, unreadable: json, position };
  }
}
