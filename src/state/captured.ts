/** Captured: a value as it was set, the text of it that travels, and the text that stands for one too large. */

export interface Captured {
  /** The text that travels. */
  readonly json: string;
  /** The true text of a value that the store can never take: `json` is `WITHHELD` then. */
  readonly withheld?: string;
  /** The value that the schema reads from the text; made by the first reading. */
  value?: unknown;
}

/**
 * What travels in place of a value that the store can never take. It is no JSON, so nobody can read it:
 * followers keep the last value that they could read, as stale.
 */
export const WITHHELD = '(too large for the store)';
