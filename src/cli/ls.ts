/** `ls`: the spaces that a Redis has. */
import { TandemError } from '../base/errors.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';
import { jsonLine } from './json-line.ts';
import { paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { otherwise, Server } from './server.ts';
import { EXPECTED_PATTERN, isSpacePattern } from '../state/space-name.ts';
import type { SpaceSummary } from './space-summary.ts';
import { SUMMARY_COLUMNS, summaryOf, summaryRow } from './space-summary.ts';
import { tableOf } from './table.ts';

const USAGE = `Usage: tandem-sync ls [PATTERN] [options]

Lists the spaces in Redis: how the owner stands and its name, the rest of its lease, the keys that hold a value,
the time since the last commit or heartbeat, the subscriptions to the channel, and the head.

  PATTERN                 only spaces whose names match, such as 'bot:*'
${REACH_USAGE}`;

/** Channels that one call of PUBSUB NUMSUB asks for. */
const CHANNELS = 500;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, REACH);
  if (values.help === true) return (console.out(USAGE), 0);
  const [pattern = '*', ...others] = positionals;
  if (others.length > 0) throw new UsageError('expected one pattern at most');
  if (!isSpacePattern(pattern)) throw new UsageError(`PATTERN: ${EXPECTED_PATTERN}`);
  const reach = reachOf(values, console);
  const server = await Server.open(reach);
  try {
    const names = await server.spaces(pattern);
    const subscribers = await subscribersOf(server, names);
    const found = await server.each(names, (space) => summarised(server, space, subscribers.get(space)));
    const summaries = found.filter((one) => one !== undefined);
    if (values.json === true) for (const summary of summaries) console.out(jsonLine(summary));
    else if (summaries.length === 0) console.err(`no space under the prefix "${reach.prefix}"\n`);
    else console.out(tableOf(SUMMARY_COLUMNS, summaries.map(summaryRow), paintOf(console)));
    return 0;
  } finally {
    server.close();
  }
}

/** A space of which nothing can be read stands in the list all the same, with the reason. */
async function summarised(
  server: Server,
  space: string,
  subscribers: number | undefined,
): Promise<SpaceSummary | undefined> {
  try {
    return summaryOf(space, await server.head(space), subscribers ?? null);
  } catch (error) {
    if (!(error instanceof TandemError) || error.code !== 'REDIS_REFUSED') throw error;
    const unknown = { ownerName: null, leaseMs: null, ageMs: null, subscribers: subscribers ?? null };
    return { space, owner: 'never', head: '0-0', keys: 0, ...unknown, problem: error.message };
  }
}

/** By space; empty where this user may not ask. */
async function subscribersOf(server: Server, names: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (let at = 0; at < names.length; at += CHANNELS) {
    const some = names.slice(at, at + CHANNELS);
    const channels = some.map((name) => server.keys(name).channel);
    const reply = (await server.ask('PUBSUB', 'NUMSUB', ...channels).catch(otherwise(null))) as
      unknown[] | null;
    if (reply === null) break;
    some.forEach((name, n) => found.set(name, Number(reply[2 * n + 1])));
  }
  return found;
}
