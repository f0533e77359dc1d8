/** What a command says, where it reads from, and how it ends. */

/** 0 well, 1 not well, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

export interface Console {
  /** Takes what was asked for. */
  readonly out: (text: string) => void;
  /** Takes all else: hints and errors. */
  readonly err: (text: string) => void;
  /** Resolves once the reader of `out` has room for more. */
  readonly drained: () => Promise<void>;
  /** Whether `out` is a terminal. */
  readonly isTerminal: boolean;
  /** The size of that terminal, in characters. */
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** The variables of the environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is piped into the command, piece by piece. */
  readonly input: () => AsyncIterable<string>;
  /** Aborted by Ctrl-C, by SIGTERM, and once nobody reads `out` any more. */
  readonly ended: AbortSignal;
}

/** The command was called in a way that it does not have. */
export class UsageError extends Error {}

/** The command could not do what it was asked for. The message is all that is said. */
export class Failure extends Error {}
