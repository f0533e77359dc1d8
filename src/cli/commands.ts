/** The commands, each with a line that says what it is for. A command is loaded when it is called. */
import type { Console, ExitCode } from './console.ts';

export interface Command {
  readonly form: string;
  readonly about: string;
  readonly load: () => Promise<{
    readonly run: (args: readonly string[], console: Console) => ExitCode | Promise<ExitCode>;
  }>;
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  ls: {
    form: 'ls [PATTERN]',
    about: 'the spaces: owner, lease, keys, age, subscribers',
    load: () => import('./ls.ts'),
  },
  get: {
    form: 'get SPACE [KEY|PREFIX/]',
    about: 'the state as Redis has it',
    load: () => import('./get.ts'),
  },
  history: {
    form: 'history SPACE [KEY]',
    about: 'which values the keys had, where the owner keeps that',
    load: () => import('./history.ts'),
  },
  watch: {
    form: 'watch SPACE [KEY|PREFIX/]',
    about: 'follows a space, and prints what changes',
    load: () => import('./watch.ts'),
  },
  top: {
    form: 'top [SPACE|PATTERN]',
    about: 'live: rates, lag and freshness of each space',
    load: () => import('./top.ts'),
  },
  fleet: {
    form: 'fleet [SPACE|PATTERN]',
    about: 'all processes: who is gone, silent, stale or behind stands first',
    load: () => import('./fleet.ts'),
  },
  timeline: {
    form: 'timeline [SPACE|PATTERN]',
    about: 'what happened to whom, when and for how long, in all processes',
    load: () => import('./timeline.ts'),
  },
  diff: {
    form: 'diff SPACE --url URL...',
    about: 'what processes show against what Redis has, key by key',
    load: () => import('./diff.ts'),
  },
  export: {
    form: 'export SPACE > FILE',
    about: 'a space as JSON Lines',
    load: () => import('./export.ts'),
  },
  import: {
    form: 'import SPACE < FILE',
    about: 'puts such a file in the place of a space that nobody owns',
    load: () => import('./import.ts'),
  },
  doctor: {
    form: 'doctor [SPACE...]',
    about: 'what is wrong with the server, the permissions and the keys, and what mends it',
    load: () => import('./doctor.ts'),
  },
  acl: {
    form: 'acl owner|follower|standby|reader --space NAME',
    about: 'prints the ACL rules that a Redis user of this role needs',
    load: () => import('./acl.ts'),
  },
};

export function usage(): string {
  const commands = Object.values(COMMANDS);
  const width = Math.max(...commands.map(({ form }) => form.length));
  const lines = commands.map(({ form, about }) => `  ${form.padEnd(width)}   ${about}\n`);
  return `Usage: tandem-sync <command> [options]

Commands:
${lines.join('')}
tandem-sync <command> --help says more, tandem-sync --version prints the version.
Exit codes: 0 well, 1 not well, 2 wrong usage.
`;
}
