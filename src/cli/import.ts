/** `import`: puts what `export` has printed in the place of a space. */
import { connect, defineSpace, json } from '../index.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import type { Dump } from './dump.ts';
import { DumpReader, linesIn } from './dump.ts';
import { inWords } from './duration.ts';
import { jsonLine } from './json-line.ts';
import type { Reach } from './reach.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';

const USAGE = `Usage: tandem-sync import SPACE [options] < FILE

Puts the keys of a file that export has printed in the place of all keys of a space: it claims the space, writes, and
gives it up. It refuses while an owner lives. All lines are read and checked before anything is written.

${REACH_USAGE}`;

/** For the claim, and for all of the keys, ms. */
const CLAIM_MS = 20_000;
const WRITE_MS = 600_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, REACH);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const reach = reachOf(values, console);
  await requireNoOwner(reach, space);
  const definition = defineSpace(space, { '*': json() });
  const reader = new DumpReader((key, value) => void definition.capture(key, value));
  for await (const line of linesIn(console.input())) reader.take(line);
  const dump = reader.end();
  const position = await write(reach, definition, dump);
  const keys = dump.values.size;
  if (values.json === true) console.out(jsonLine({ space, keys, position }));
  else console.out(`${keys} keys are in space "${space}", at ${position}\n`);
  return 0;
}

/** Asked before anything is read. The claim asks again. */
async function requireNoOwner(reach: Reach, space: string): Promise<void> {
  const server = await Server.open(reach);
  try {
    const { leaseMs, ownerName } = await server.head(space);
    if (leaseMs > 0)
      throw new Failure(
        `space "${space}" is owned by "${ownerName}", whose lease runs for ${inWords(leaseMs)}: stop that process first. Nothing was written`,
      );
  } finally {
    server.close();
  }
}

/**
 * All keys are set in the turn in which the claim begins, so followers see all of them or none.
 * @returns the position up to which Redis has them
 */
async function write(
  reach: Reach,
  definition: ReturnType<typeof defineSpace<{ readonly '*': ReturnType<typeof json> }>>,
  { values }: Dump,
): Promise<string> {
  const tandem = connect({
    ...reach,
    name: 'cli-import',
    telemetry: false,
    fleet: false,
    commandTimeoutMs: 5_000,
  });
  try {
    const owner = tandem.own(definition, { start: 'reset', announce: false });
    owner.batch(() => {
      for (const [key, value] of values) owner.set(key, value);
    });
    // An owner tries again where Redis refuses it: somebody may give it the permission.
    const refused = new Promise<never>((_, reject) => {
      owner.on('error', ({ error }) => {
        if (error.code === 'REDIS_REFUSED') reject(error);
      });
    });
    await Promise.race([owner.ready({ timeoutMs: CLAIM_MS }), refused]);
    const position = await Promise.race([owner.flush({ timeoutMs: WRITE_MS }), refused]);
    const { uncommitted } = await tandem.stop({ timeoutMs: CLAIM_MS });
    if (uncommitted.length > 0)
      throw new Failure(`${uncommitted.length} keys may not be in Redis: import again`);
    return position;
  } finally {
    await tandem.stop({ timeoutMs: 0 });
  }
}
