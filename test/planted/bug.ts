/**
 * Bugs that are planted into the real sources, one at a time, to test the checkers. Each names the checker
 * that has to catch it.
 */
export interface Bug {
  readonly name: string;
  /** The source file, relative to the project's root. */
  readonly file: string;
  /** The text to replace. It occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: string;
}
