/** `history`: which values the keys of a space had, as Redis has it. */
import type { History } from '../ports/history.ts';
import { checkedQuery, readHistory } from '../ports/history.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import { TandemError } from '../base/errors.ts';
import { jsonLine } from './json-line.ts';
import { keyPatternOf } from './key-pattern.ts';
import { harmless, paintOf } from './paint.ts';
import { spanOf } from './moment.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';
import { dateText } from './stored-line.ts';
import { tableOf } from './table.ts';

const USAGE = `Usage: tandem-sync history SPACE [KEY] [options]

Prints which values a key had, newest first, where its owner keeps a history: own(space, { history }). Of the values
that a key had between two commits, some 10 ms apart, only the last one is there. With --json each line is
{ key, value, deleted, changedAt, position }, or with raw and error in the place of a value that is no JSON.

  KEY                     one key. Default: all keys
  --from TIME             only what was set then or later: an ISO 8601 date, ms since 1970, or how long ago (90s, 15min,
                          2h, 3d)
  --to TIME               only what was set then or earlier
  --limit NUMBER          the greatest number of changes, 1 to 10000. Default 100
${REACH_USAGE}`;

const OPTIONS = {
  ...REACH,
  from: { type: 'string' },
  to: { type: 'string' },
  limit: { type: 'string' },
} as const;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', key, ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const pattern = keyPatternOf(key);
  if (pattern.is === 'prefix' && pattern.prefix !== '')
    throw new UsageError('KEY: expected one key, or none');
  const limit = limitOf(values.limit);
  const server = await Server.open(reachOf(values, console));
  try {
    const now = (await server.head(space)).now;
    const span = spanOf(values, now);
    const times = await server.times(space);
    const source = {
      space,
      ask: (request: Parameters<Server['history']>[1]) => server.history(space, request),
      timeOf: (revision: number) => times.at(revision),
      read: (_: string, json: string): unknown => JSON.parse(json),
    };
    const name = pattern.is === 'key' ? pattern.key : undefined;
    const history = await readHistory(source, name, checkedQuery({ ...span, limit })).catch(asFailure);
    if (values.json === true) for (const change of history) console.out(jsonLine(lineOf(change)));
    else printTable(history, console);
    return 0;
  } finally {
    server.close();
  }
}

function asFailure(error: unknown): never {
  if (error instanceof TandemError && error.code === 'HISTORY_OFF') throw new Failure(error.message);
  throw error;
}

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= 10_000) return limit;
  throw new UsageError('--limit: expected a whole number from 1 to 10000');
}

function lineOf({ key, value, deleted, changedAt, position, raw, error }: History[number]): object {
  if (raw === undefined) return { key, value, deleted, changedAt, position };
  return { key, raw, error: error instanceof Error ? error.message : '', deleted, changedAt, position };
}

function printTable(history: History, console: Console): void {
  const paint = paintOf(console);
  const rows = history.map(({ key, value, deleted, changedAt, position, raw }) => [
    dateText(changedAt),
    { text: key, tone: 'strong' as const },
    position,
    deleted ? { text: 'deleted', tone: 'quiet' as const } : (raw ?? JSON.stringify(value)),
  ]);
  const columns = [{ title: 'CHANGED' }, { title: 'KEY' }, { title: 'POSITION' }, { title: 'VALUE' }];
  const width = console.isTerminal ? console.size().columns : Infinity;
  console.out(tableOf(columns, rows, paint, width));
  const { knownFrom, hasMore } = history;
  const known =
    knownFrom === undefined
      ? 'the newest changes are missing: the present owner keeps no history'
      : `each committed change is known since ${dateText(knownFrom)}`;
  console.err(`${harmless(known)}${hasMore ? '; there are more, see --limit' : ''}\n`);
}
