/** Marks in the sources: their places, and the statements that they mark. Pure. */

const MARK = /^[ \t]*\/\/ planted: ([\w-]+)$/gm;

export interface Marked {
  /** The marked statement, with its first line's indent. */
  readonly statement: string;
  /** The index in the source at which it begins. */
  readonly at: number;
}

/** The marks of a source, in their order. */
export function marksIn(source: string): string[] {
  return [...source.matchAll(MARK)].map(([, mark]) => mark!);
}

/** The statement behind a mark; `undefined` where the source does not have the mark. */
export function markedIn(source: string, mark: string): Marked | undefined {
  const found = [...source.matchAll(MARK)].find(([, one]) => one === mark);
  if (found === undefined) return undefined;
  const at = found.index + found[0].length + 1;
  return { statement: statementAt(source, at), at };
}

/** The source, with `other` in place of a marked statement. */
export function planted(source: string, { statement, at }: Marked, other: string): string {
  return source.slice(0, at) + other + source.slice(at + statement.length);
}

/**
 * From `at` to the end of the first line on which no bracket is open and the code ends in `;`, `,` or `}`.
 */
function statementAt(source: string, at: number): string {
  let depth = 0;
  let end = at;
  for (const line of source.slice(at).split('\n')) {
    end += line.length;
    const code = line.replace(/\/\/.*$/, '').trimEnd();
    for (const character of code) depth += BRACKETS[character] ?? 0;
    if (depth <= 0 && /[;,}]$/.test(code)) break;
    end += 1;
  }
  return source.slice(at, end);
}

const BRACKETS: Readonly<Record<string, number>> = { '(': 1, '[': 1, '{': 1, ')': -1, ']': -1, '}': -1 };
