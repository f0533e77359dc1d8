/** `get`: the state of a space as it is in Redis. */
import type { Head } from '../ports/store.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import { jsonLine } from './json-line.ts';
import { isMatched, keyPatternOf } from './key-pattern.ts';
import { harmless, paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import type { StoredState, StoredValue } from './server.ts';
import { Server } from './server.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';
import { dateText, storedLine } from './stored-line.ts';
import { tableOf } from './table.ts';

const USAGE = `Usage: tandem-sync get SPACE [KEY|PREFIX/] [options]

Prints what Redis holds of a space: all keys with their values and positions, or the value of one key. With --json
each line is { key, value, position, changedAt }, or { key, unreadable, position, changedAt } where somebody wrote
what is no JSON. A time is by the clock of the Redis server, and wrong by 1 % of its age at most.
Exits with 1 where the space or the key is not there.

  KEY                     one key
  PREFIX/                 the keys below it
${REACH_USAGE}`;

/** Keys that are printed in one go. */
const AT_ONCE = 1_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, REACH);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', key, ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const pattern = keyPatternOf(key);
  const server = await Server.open(reachOf(values, console));
  try {
    if (pattern.is === 'key') {
      const { head, value, times } = await server.value(space, pattern.key);
      requireSpace(space, head);
      if (value === undefined) throw new Failure(`key "${pattern.key}" of space "${space}" holds no value`);
      const line = storedLine(head, pattern.key, value, times);
      const text = line.unreadable ?? JSON.stringify(line.value);
      console.out(values.json === true ? jsonLine(line) : `${harmless(text)}\n`);
      return 0;
    }
    const { head, keys, times } = await server.state(space);
    requireSpace(space, head);
    const found = [...keys].filter(([name]) => isMatched(pattern, name));
    if (values.json === true) await printJson({ head, times }, found, console);
    else printTable({ head, times }, found, console);
    warnOf(space, head, console);
    return 0;
  } finally {
    server.close();
  }
}

/** @throws Failure where nobody ever owned the space */
function requireSpace(space: string, { fence, wrongTypes }: Head): void {
  if (fence === 0 && wrongTypes.length === 0) throw new Failure(`there is no space "${space}" in this Redis`);
}

function warnOf(space: string, { keysLost }: Head, { err }: Console): void {
  if (keysLost) err(`the keys are not what the owner has written: tandem-sync doctor ${space} says more\n`);
}

/** What lines are made with. */
type Stored = Pick<StoredState, 'head' | 'times'>;

async function printJson(
  { head, times }: Stored,
  found: readonly (readonly [string, StoredValue])[],
  console: Console,
): Promise<void> {
  for (let at = 0; at < found.length; at += AT_ONCE) {
    const lines = found.slice(at, at + AT_ONCE).map(([key, value]) => storedLine(head, key, value, times));
    console.out(lines.map(jsonLine).join(''));
    await console.drained();
  }
}

function printTable(
  { head, times }: Stored,
  found: readonly (readonly [string, StoredValue])[],
  console: Console,
): void {
  const paint = paintOf(console);
  const rows = found.map(([key, value]) => {
    const { position, unreadable, changedAt } = storedLine(head, key, value, times);
    const cell = { text: value.json, ...(unreadable !== undefined && { tone: 'bad' as const }) };
    return [{ text: key, tone: 'strong' as const }, position, dateText(changedAt), cell];
  });
  const columns = [{ title: 'KEY' }, { title: 'POSITION' }, { title: 'CHANGED' }, { title: 'VALUE' }];
  const width = console.isTerminal ? console.size().columns : Infinity;
  console.out(tableOf(columns, rows, paint, width));
}
