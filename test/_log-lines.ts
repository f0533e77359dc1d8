/** A logger that keeps what it is given, and what a process writes to stderr. */
import type { ExecutionContext } from 'ava';
import type { Logger, LogLevel, LogRecord } from '../src/index.ts';

export interface Logged {
  readonly level: LogLevel;
  readonly record: LogRecord;
  readonly message: string;
}

export class LogLines implements Logger {
  readonly all: Logged[] = [];

  info(record: LogRecord, message: string): void {
    this.all.push({ level: 'info', record, message });
  }

  warn(record: LogRecord, message: string): void {
    this.all.push({ level: 'warn', record, message });
  }

  error(record: LogRecord, message: string): void {
    this.all.push({ level: 'error', record, message });
  }

  /** The level and the sentence of each line since the last call, without the times and the milliseconds. */
  take(): string[] {
    return this.all
      .splice(0)
      .map(({ level, message }) => `${level}: ${timeless(message).replace(/\d+ ms/, 'N ms')}`);
  }
}

/** A text whose points in time are all `T`. */
export function timeless(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'T');
}

/** Keeps the lines that this process writes to stderr from now on, until the end of the test. */
export function stderrLines(t: ExecutionContext): string[] {
  const lines: string[] = [];
  const { stderr } = process;
  const write = stderr.write.bind(stderr);
  stderr.write = (chunk: string | Uint8Array) => {
    lines.push(
      ...Buffer.from(chunk as string)
        .toString()
        .trimEnd()
        .split('\n'),
    );
    return true;
  };
  t.teardown(() => void (stderr.write = write));
  return lines;
}
