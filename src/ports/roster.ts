/**
 * The roster: it keeps a text of each process for a time, so that anybody can ask for all of them.
 *
 * The server alone measures how old a text is, so nobody has to trust the clock of a process.
 */
import type { Link } from './store.ts';

/** The text of one process. */
export interface RosterEntry {
  /** The id of the process. */
  readonly id: string;
  readonly text: string;
  /** How long the server keeps the text from now on, ms: less than it was written for by its age. */
  readonly restMs: number;
}

/** What the server keeps at one moment. */
export interface RosterPage {
  /** The server's time, ms since 1970. */
  readonly now: number;
  /** In no order. */
  readonly entries: readonly RosterEntry[];
  /** How many entries were left out: they are too many or too long to be read at once. */
  readonly leftOut: number;
}

export interface Roster {
  /** Up while the roster can be asked. Default: the link of the store for calls. */
  readonly link?: Link;
  /**
   * Keeps a text in the place of the one before.
   * @param keptMs for how long, from now on, ms
   * @throws TandemError `REDIS_UNAVAILABLE`, `REDIS_NOT_READY`, or `REDIS_REFUSED`
   */
  write(id: string, text: string, keptMs: number): Promise<void>;
  /** @throws TandemError as `write` */
  read(): Promise<RosterPage>;
}
