/** `fleet`: all processes that have registered, and what their participants are; who is not well stands first. */
import { pause, systemTime } from '../base/time.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { partOf } from '../fleet/part.ts';
import { parsed, patternIn } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { fleetSummary, fleetTable } from './fleet-table.ts';
import { jsonLine } from './json-line.ts';
import { harmless, paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { spacePattern } from '../state/space-name.ts';
import { ENTER, LEAVE, screenOf } from './top-screen.ts';

const USAGE = `Usage: tandem-sync fleet [SPACE|PATTERN] [options]

Lists the owners, standbys and followers of all processes, worst first: who is gone (nothing heard for 30 s), silent
(4.5 s), stale, behind its owner, or ended. Then how long it has been like that, host, pid, version, mode, freshness, how
many changes of its owner it misses, when its process was last heard, and its head. A process that is gone is listed
for an hour, one that stopped for 15 minutes. Exit code 1 where somebody is not well. With --json each has its last
transitions as well; "tandem-sync timeline" puts those of all into one list.

  SPACE, PATTERN          only spaces whose names match, such as 'bot:*'
  --watch                 draws it anew each second, until Ctrl-C. With --json a line each second: { at, members }
${REACH_USAGE}`;

const OPTIONS = { ...REACH, watch: { type: 'boolean' } } as const;
const SECOND_MS = 1_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const pattern = patternIn(positionals);
  const reach = reachOf(values, console);
  const isJson = values.json === true;
  const server = await Server.open(reach);
  try {
    const look = async (): Promise<Fleet> => ofSpaces(await server.fleet(), pattern);
    if (values.watch === true) return await watch(look, server, console, isJson);
    const fleet = await look();
    if (isJson) for (const member of fleet.members) console.out(jsonLine(member));
    else if (fleet.members.length === 0)
      console.err(`no process has registered under the prefix "${reach.prefix}"\n`);
    else {
      const paint = paintOf(console);
      console.out(`${paint(fleet.isWell ? 'good' : 'bad', fleetSummary(fleet))}\n`);
      console.out(fleetTable(fleet, paint));
    }
    if (fleet.leftOut > 0) console.err(`${fleet.leftOut} more are not listed\n`);
    return fleet.isWell ? 0 : 1;
  } finally {
    server.close();
  }
}

/** Those whose space matches. */
function ofSpaces(fleet: Fleet, pattern: string): Fleet {
  const names = spacePattern(pattern);
  return partOf(fleet, ({ space }) => names.test(space));
}

/** The exit code is that of the last look. */
async function watch(
  look: () => Promise<Fleet>,
  server: Server,
  console: Console,
  isJson: boolean,
): Promise<ExitCode> {
  const paint = paintOf(console);
  const isScreen = console.isTerminal && !isJson;
  let isWell = true;
  if (isScreen) console.out(ENTER);
  try {
    while (!console.ended.aborted) {
      const fleet = await look().catch((error: unknown) => {
        // While Redis is out there is nothing new to show.
        if (server.isUp) throw error;
        isWell = false;
        return undefined;
      });
      const summary = fleet === undefined ? 'Redis does not answer' : fleetSummary(fleet);
      if (fleet !== undefined) isWell = fleet.isWell;
      if (isJson) console.out(jsonLine({ at: fleet?.at ?? null, members: fleet?.members ?? [] }));
      else if (!isScreen)
        console.out(`${harmless(summary)}\n${fleet === undefined ? '' : fleetTable(fleet, paint)}\n`);
      else {
        const size = console.size();
        const table = fleet === undefined ? '' : fleetTable(fleet, paint, size.columns);
        console.out(screenOf({ isWell, head: summary, table, note: 'Ctrl-C ends' }, size, paint));
      }
      await pause(systemTime, SECOND_MS, console.ended);
    }
  } finally {
    if (isScreen) console.out(LEAVE);
  }
  return isWell ? 0 : 1;
}
