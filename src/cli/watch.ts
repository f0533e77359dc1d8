/** `watch`: follows a space as an application would, and prints what changes. */
import type { Reading, Status } from '../index.ts';
import { connect, defineSpace, json } from '../index.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';
import { inWords } from './duration.ts';
import { jsonLine } from './json-line.ts';
import { keyPatternOf, watchable } from './key-pattern.ts';
import type { Paint } from './paint.ts';
import { harmless, paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';

const USAGE = `Usage: tandem-sync watch SPACE [KEY|PREFIX/] [options]

Follows a space, and prints each change with its position, how fresh it is, and the age of that proof. Also printed
is each change between live and stale, and of the owner. Ctrl-C ends it.

  KEY, PREFIX/            only this key, or the keys below it
  --initial               prints what is there first
${REACH_USAGE}`;

const OPTIONS = { ...REACH, initial: { type: 'boolean' } } as const;
/** The space is read before anything is printed, ms. */
const READY_MS = 10_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', key, ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const pattern = watchable(keyPatternOf(key));
  const reach = reachOf(values, console);
  // A Redis that is not there is said at once; the follower would wait for it.
  (await Server.open(reach)).close();
  const tandem = connect({ ...reach, name: 'cli', telemetry: false, fleet: false });
  try {
    const follower = tandem.follow(defineSpace(space, { '*': json() }));
    const printer = values.json === true ? new JsonPrinter(console) : new TextPrinter(console);
    follower.on('error', ({ error }) => console.err(`tandem-sync: ${harmless(error.message)}\n`));
    await follower.ready({ timeoutMs: READY_MS });
    let said = '';
    const tell = (): void => {
      const { freshness, owner, ownerName } = follower.status;
      const now = `${freshness} ${owner} ${ownerName}`;
      if (now !== said) printer.status(follower.status);
      said = now;
    };
    tell();
    follower.on('freshness', tell);
    follower.on('ownerChanged', tell);
    follower.watch(pattern as '*', (reading) => printer.change(reading), {
      initial: values.initial === true,
    });
    await ended(console.ended);
    return 0;
  } finally {
    await tandem.stop();
  }
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

/** One object a line. A change has a `key`, all else an `event`. */
class JsonPrinter {
  readonly #console: Console;

  constructor(console: Console) {
    this.#console = console;
  }

  change({ key, value, position, changedAt, freshness, staleMs, owner }: Reading): void {
    const deleted = value === undefined ? { deleted: true } : { value };
    this.#print({ key, ...deleted, position, changedAt, freshness, staleMs: known(staleMs), owner });
  }

  status({ freshness, staleMs, owner, ownerName }: Status): void {
    this.#print({ event: 'status', freshness, staleMs: known(staleMs), owner, ownerName: ownerName ?? null });
  }

  #print(line: object): void {
    this.#console.out(jsonLine(line));
  }
}

class TextPrinter {
  readonly #console: Console;
  readonly #paint: Paint;

  constructor(console: Console) {
    this.#console = console;
    this.#paint = paintOf(console);
  }

  change({ key, value, position, freshness, staleMs }: Reading): void {
    const paint = this.#paint;
    const shown = value === undefined ? paint('quiet', 'deleted') : harmless(JSON.stringify(value));
    const proof = `${freshness} ${inWords(staleMs)}`;
    const fresh = paint(freshness === 'live' ? 'good' : 'bad', proof.padEnd(12));
    this.#console.out(`${position}  ${fresh}  ${paint('strong', harmless(key))}  ${shown}\n`);
  }

  status({ freshness, staleMs, owner, ownerName }: Status): void {
    const who = ownerName === undefined ? '' : ` (${harmless(ownerName)})`;
    const line = `${freshness}, proven ${inWords(staleMs)} ago, owner ${owner}${who}`;
    const tone = freshness === 'live' && owner === 'alive' ? 'quiet' : 'warning';
    this.#console.out(`${this.#paint(tone, `-- ${line}`)}\n`);
  }
}

/** JSON has no Infinity. */
function known(ms: number): number | null {
  return Number.isFinite(ms) ? Math.round(ms) : null;
}
