/**
 * Bugs that are planted into the real sources, one at a time, to check the checkers: in the simulator, the
 * checker that a bug names must catch it. Some are caught by a quick test instead.
 *
 * A comment `// planted: <mark>` above a statement shows where a bug goes. So a moved line or file breaks
 * no bug.
 */
export interface Bug {
  readonly name: string;
  readonly mark: string;
  /** Makes the statement with the bug, from the marked statement. */
  readonly plant: (statement: string) => string;
  /**
   * What must catch it: the name of a checker of the simulator, or the path of a quick test, where the
   * simulator has no part of what the bug breaks.
   */
  readonly caughtBy: string;
}

/** Whether a test catches it, and not the simulator. */
export function isCaughtByTest({ caughtBy }: Bug): boolean {
  return caughtBy.endsWith('.test.ts');
}

/** Other code in place of the statement. */
export const instead =
  (code: string): Bug['plant'] =>
  () =>
    code;

/** Nothing in place of the statement. */
export const removed: Bug['plant'] = () => '';

/** Code before the statement. */
export const before =
  (code: string): Bug['plant'] =>
  (statement) =>
    `${code} ${statement}`;

/** Other code in place of a part of the statement. The test of the marks fails where the part is missing. */
export const swapped =
  (part: string, other: string): Bug['plant'] =>
  (statement) =>
    statement.replace(part, () => other);
