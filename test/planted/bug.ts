/**
 * Bugs that are planted into the real sources, one at a time, so that the checkers are themselves checked: each has to
 * be caught, by the checker it names, in the simulator.
 *
 * Where a bug goes is marked in the sources, by a comment `// planted: <mark>` above a statement. So moving a line, or
 * a file, breaks no bug.
 */
export interface Bug {
  readonly name: string;
  readonly mark: string;
  /** The statement with the bug in it, made of the statement that is marked. */
  readonly plant: (statement: string) => string;
  /** The checker that has to catch it. */
  readonly caughtBy: string;
}

/** In place of the statement. */
export const instead =
  (code: string): Bug['plant'] =>
  () =>
    code;

/** The statement does nothing. */
export const removed: Bug['plant'] = () => '';

/** Before the statement. */
export const before =
  (code: string): Bug['plant'] =>
  (statement) =>
    `${code} ${statement}`;

/** In place of a part of the statement, which has to be in it. */
export const swapped =
  (part: string, other: string): Bug['plant'] =>
  (statement) =>
    statement.replace(part, () => other);
