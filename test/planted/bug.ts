/**
 * Bugs that are planted into the real sources, one at a time, so that the checkers are themselves checked: each has
 * to be caught, by the checker it names, in the simulator.
 */
export interface Bug {
  readonly name: string;
  /** In which file, from the top of the project. */
  readonly file: string;
  /** What stands there, exactly once. */
  readonly find: string;
  readonly replace: string;
  readonly caughtBy: string;
}
