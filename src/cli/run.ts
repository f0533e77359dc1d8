/** Finds the command that was asked for, and turns what it throws into a message and an exit code. */
import { TandemError } from '../base/errors.ts';
import { acl, ACL_USAGE } from './acl.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';

const USAGE = `Usage: tandem-sync <command> [options]

Commands:
  acl owner|follower|standby|reader --space NAME   prints the ACL rules that a Redis user of this role needs

tandem-sync <command> --help says more.
Exit codes: 0 well, 1 not well, 2 wrong usage.
`;

/** @param args what stands behind the name of the program */
export function run(args: readonly string[], console: Console): ExitCode {
  const [command, ...rest] = args;
  try {
    if (command === 'acl') return acl(rest, console);
    if (command === '--help' || command === '-h' || command === 'help') {
      console.out(USAGE);
      return 0;
    }
    const what = command === undefined ? 'no command is given' : 'there is no such command';
    throw new UsageError(what, USAGE);
  } catch (error) {
    return failed(error, console);
  }
}

function failed(error: unknown, { err }: Console): ExitCode {
  if (error instanceof UsageError) {
    err(`tandem-sync: ${error.message}\n\n${error.usage}`);
    return 2;
  }
  if (error instanceof TandemError && error.code === 'INVALID_OPTION') {
    err(`tandem-sync: ${error.message}\n\n${ACL_USAGE}`);
    return 2;
  }
  err(`tandem-sync: ${error instanceof Error ? error.message : 'failed'}\n`);
  return 1;
}
