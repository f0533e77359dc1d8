/** What a command says, and how it ends. */

/** 0 well, 1 not well, 2 wrong usage. */
export type ExitCode = 0 | 1 | 2;

export interface Console {
  /** Takes what was asked for. */
  readonly out: (text: string) => void;
  /** Takes all else: hints and errors. */
  readonly err: (text: string) => void;
}

/** The command was called in a way that it does not have. */
export class UsageError extends Error {
  readonly usage: string;

  constructor(message: string, usage: string) {
    super(message);
    this.usage = usage;
  }
}
