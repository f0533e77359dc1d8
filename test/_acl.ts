/** Users of a real Redis with the rules that the command line prints. */
import type { Redis } from 'ioredis';
import { run } from '../src/cli/acl.ts';

/** What `tandem-sync acl …` prints. */
export function aclLine(...args: readonly string[]): string {
  let printed = '';
  run(args, { out: (text) => (printed += text) });
  return printed.trim();
}

/** Applies a printed line, with a password and with rules behind it. */
export async function applyLine(admin: Redis, line: string, ...rules: readonly string[]): Promise<void> {
  const [command = '', ...rest] = line.split(' ');
  await admin.call(command, ...rest, '>word', ...rules);
}

/** The commands that a line allows, without those of the fleet alone. */
export function allowedBy(line: string): string[] {
  return line
    .replace(/ \(.*\)/, '')
    .split(' ')
    .filter((rule) => rule.startsWith('+'))
    .map((rule) => rule.slice(1));
}
