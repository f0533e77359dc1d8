/** A key as Redis has it, as a line of JSON. Pure. */
import { isoTime } from '../base/time.ts';
import type { ChangeTimes } from '../state/change-times.ts';
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
  /** When it last changed, ms on the server's clock; not there where it is not known. */
  readonly changedAt?: number | undefined;
}

export function storedLine(
  line: Line,
  key: string,
  { revision, json }: { readonly revision: number; readonly json: string },
  times: ChangeTimes,
): StoredLine {
  const position = printPosition({ epoch: epochIn(line, revision), revision });
  const changedAt = times.at(revision);
  try {
    return { key, value: JSON.parse(json) as unknown, position, changedAt };
  } catch {
    return { key, unreadable: json, position, changedAt };
  }
}

/** A time of the server as ISO 8601; a dash where it is not known. */
export function dateText(ms: number | undefined): string {
  return ms === undefined ? '-' : isoTime(ms);
}
