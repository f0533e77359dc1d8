/** Finds the command that was asked for, and turns what it throws into a message and an exit code. */
import { TandemError } from '../base/errors.ts';
import { safeError } from '../base/node-error.ts';
import { VERSION } from '../base/version.ts';
import { COMMANDS, usage } from './commands.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import { harmless } from './paint.ts';

/** @param args what stands behind the name of the program */
export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    console.out(usage());
    return 0;
  }
  if (name === '--version' || name === '-v') {
    console.out(`${VERSION}\n`);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name!] : undefined;
  if (command === undefined) {
    const what = name === undefined ? 'no command is given' : 'there is no such command';
    console.err(`tandem-sync: ${what}\n\n${usage()}`);
    return 2;
  }
  try {
    const { run } = await command.load();
    return await run(rest, console);
  } catch (error) {
    const isWrongUsage =
      error instanceof UsageError || (error instanceof TandemError && error.code === 'INVALID_OPTION');
    const right = isWrongUsage ? `. Usage: tandem-sync ${command.form} [options]` : '';
    console.err(`tandem-sync: ${harmless(messageOf(error))}${right}\n`);
    return isWrongUsage ? 2 : 1;
  }
}

/** One line. A stack helps nobody here, and may hold a secret. */
function messageOf(error: unknown): string {
  if (error instanceof TandemError || error instanceof Failure || error instanceof UsageError)
    return error.message;
  return `failed: ${safeError(error).text}`;
}
