/** `history`: which values the keys of a space had, as Redis has it. */
import type { History, HistoryQuery, PastChange } from '../ports/history.ts';
import { checkedQuery, MAX_LIMIT, readHistory } from '../ports/history.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import { TandemError } from '../base/errors.ts';
import { jsonLine } from './json-line.ts';
import type { KeyChanges } from './key-changes.ts';
import { keyChangesOf } from './key-changes.ts';
import { keyPatternOf } from './key-pattern.ts';
import { harmless, paintOf } from './paint.ts';
import { MOMENT_USAGE, spanOf } from './moment.ts';
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
  --from TIME             only what was set then or later: ${MOMENT_USAGE}
  --to TIME               only what was set then or earlier
  --by-key                each key once: how often it changed in that time, its value before, and the last one. With --json
                          { key, changes, before, last }; before is null where the history does not have it
  --limit NUMBER          the greatest number of changes, 1 to 10000. Default 100; with --by-key 10000
${REACH_USAGE}`;

const OPTIONS = {
  ...REACH,
  from: { type: 'string' },
  to: { type: 'string' },
  limit: { type: 'string' },
  'by-key': { type: 'boolean' },
} as const;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', key, ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const pattern = keyPatternOf(key);
  if (pattern.is === 'prefix' && pattern.prefix !== '')
    throw new UsageError('KEY: expected one key, or none');
  const isByKey = values['by-key'] === true;
  const limit = limitOf(values.limit) ?? (isByKey ? MAX_LIMIT : undefined);
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
    const read = (query: HistoryQuery, of = name): Promise<History> =>
      readHistory(source, of, checkedQuery(query)).catch(asFailure);
    const history = await read({ ...span, limit });
    if (isByKey) printKeys(await keyChangesOf(history, span, read), values.json === true, console);
    else if (values.json === true) for (const change of history) console.out(jsonLine(lineOf(change)));
    else printTable(history, console);
    if (values.json !== true) printReach(history, console);
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
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new UsageError('--limit: expected a whole number from 1 to 10000');
}

function lineOf({ key, ...change }: PastChange): object {
  return { key, ...valueOf(change) };
}

function valueOf({ value, deleted, changedAt, position, raw, error }: Omit<PastChange, 'key'>): object {
  if (raw === undefined) return { value, deleted, changedAt, position };
  return { raw, error: error instanceof Error ? error.message : '', deleted, changedAt, position };
}

function textOf({ value, deleted, raw }: PastChange): string {
  return deleted ? 'deleted' : (raw ?? JSON.stringify(value));
}

function printTable(history: History, console: Console): void {
  const paint = paintOf(console);
  const rows = history.map((change) => [
    dateText(change.changedAt),
    { text: change.key, tone: 'strong' as const },
    change.position,
    { text: textOf(change), tone: change.deleted ? ('quiet' as const) : undefined },
  ]);
  const columns = [{ title: 'CHANGED' }, { title: 'KEY' }, { title: 'POSITION' }, { title: 'VALUE' }];
  const width = console.isTerminal ? console.size().columns : Infinity;
  console.out(tableOf(columns, rows, paint, width));
}

/** Values one below the other, whole: so a reader sees what differs. */
function printKeys(keys: readonly KeyChanges[], isJson: boolean, console: Console): void {
  const paint = paintOf(console);
  for (const { key, changes, before, last } of keys) {
    if (isJson) {
      const was = before === undefined ? null : valueOf(before);
      console.out(jsonLine({ key, changes, before: was, last: valueOf(last) }));
      continue;
    }
    const often = changes === 1 ? 'one change' : `${changes} changes, the last`;
    console.out(`${paint('strong', harmless(key))}  ${often} at ${dateText(last.changedAt)}\n`);
    console.out(
      `  before  ${before === undefined ? paint('quiet', 'not known') : harmless(textOf(before))}\n`,
    );
    console.out(`  last    ${harmless(textOf(last))}\n`);
  }
}

/** From when on the history is complete, and whether there is more. It is no data, and goes beside it. */
function printReach({ knownFrom, hasMore }: History, console: Console): void {
  const known =
    knownFrom === undefined
      ? 'the newest changes are missing: the present owner keeps no history'
      : `each committed change is known since ${dateText(knownFrom)}`;
  console.err(`${harmless(known)}${hasMore ? '; there are more, see --limit' : ''}\n`);
}
