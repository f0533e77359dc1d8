/** `export`: a space as JSON Lines. */
import { printPosition } from '../state/position.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import type { DumpHeader } from './dump.ts';
import { DUMP_FORMAT } from './dump.ts';
import { jsonLine } from './json-line.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';
import { storedLine } from './stored-line.ts';

const USAGE = `Usage: tandem-sync export SPACE [options] > FILE

Prints a space as JSON Lines: a header with format, space, position and number of keys, then { key, value } for each
key, as of one position. It changes nothing, and an owner may live. Exits with 1 where keys were lost.

${REACH_USAGE}`;

/** Keys that are printed in one go. */
const AT_ONCE = 1_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, REACH);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const server = await Server.open(reachOf(values, console));
  try {
    const { head, keys, times } = await server.state(space);
    if (head.fence === 0) throw new Failure(`there is no space "${space}" in this Redis`);
    const lines = [...keys].map(([key, value]) => storedLine(head, key, value, times));
    const unreadable = lines.find((line) => line.unreadable !== undefined);
    if (unreadable !== undefined)
      throw new Failure(`the value of "${unreadable.key}" is no JSON: tandem-sync doctor ${space} says more`);
    const header: DumpHeader = {
      format: DUMP_FORMAT,
      space,
      position: printPosition(head),
      keys: lines.length,
    };
    console.out(jsonLine(header));
    for (let at = 0; at < lines.length; at += AT_ONCE) {
      const some = lines.slice(at, at + AT_ONCE);
      console.out(some.map(({ key, value }) => jsonLine({ key, value })).join(''));
      await console.drained();
    }
    if (!head.keysLost) return 0;
    console.err(`tandem-sync: this is not all: tandem-sync doctor ${space} says more\n`);
    return 1;
  } finally {
    server.close();
  }
}
