/** `top`: all spaces, live. Each is followed, and what came in the last second is shown. */
import type { Follower, Tandem } from '../index.ts';
import { connect, defineSpace, json } from '../index.ts';
import { systemTime, pause } from '../base/time.ts';
import { parsed, patternIn } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { UsageError } from './console.ts';
import { jsonLine } from './json-line.ts';
import { harmless, paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import type { SpaceSecond } from './space-meter.ts';
import { SpaceMeter } from './space-meter.ts';
import { isSpaceName } from '../state/space-name.ts';
import { ENTER, LEAVE, topScreen, topTable } from './top-screen.ts';

const USAGE = `Usage: tandem-sync top [SPACE|PATTERN] [options]

Follows spaces, and shows each second: freshness, owner, changes and frames a second, the lag from the set until it
was visible here (median and most), keys, mode and head. What is stale stands first. Ctrl-C ends it. With --json there
is one line a second: { at, spaces }. Each space that is followed is held in memory.

  SPACE, PATTERN          one space, or those whose names match. Default all
  --count N               ends after N seconds
${REACH_USAGE}`;

const OPTIONS = { ...REACH, count: { type: 'string' } } as const;
const SECOND_MS = 1_000;
/** New spaces are looked for each so many seconds. */
const LOOK_EVERY = 5;
/** The most spaces that are followed. */
const MOST_SPACES = 1_000;

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const pattern = patternIn(positionals);
  const count = Number(values.count ?? Infinity);
  if (!(count >= 1)) throw new UsageError('--count: expected a whole number from 1 on');
  const reach = reachOf(values, console);
  const server = await Server.open(reach);
  const followed = new Followed(connect({ ...reach, name: 'cli', telemetry: false, fleet: false }));
  const print = printerOf(console, values.json === true);
  try {
    print.begin();
    for (let n = 0; n < count && !console.ended.aborted; n += 1) {
      if (n % LOOK_EVERY === 0) followed.add(await namesOf(server, pattern));
      await pause(systemTime, SECOND_MS, console.ended);
      if (!console.ended.aborted) print.show(followed.seconds());
    }
    return 0;
  } finally {
    print.end();
    server.close();
    await followed.stop();
  }
}

/** A space that is named needs no permission to look for others. While Redis is out there are no new ones. */
async function namesOf(server: Server, pattern: string): Promise<string[]> {
  if (isSpaceName(pattern)) return [pattern];
  return server.spaces(pattern).catch((error: unknown) => {
    if (server.isUp) throw error;
    return [];
  });
}

class Followed {
  readonly #tandem: Tandem;
  readonly #all = new Map<string, { readonly follower: Follower; readonly meter: SpaceMeter }>();

  constructor(tandem: Tandem) {
    this.#tandem = tandem;
    tandem.observe({
      applied: (event) => this.#all.get(event.space)?.meter.applied(event),
      synced: (event) => this.#all.get(event.space)?.meter.synced(event),
    });
  }

  add(names: readonly string[]): void {
    for (const name of names) {
      if (this.#all.has(name) || this.#all.size >= MOST_SPACES) continue;
      const follower = this.#tandem.follow(defineSpace(name, { '*': json() })) as unknown as Follower;
      // What is wrong shows in the columns.
      follower.on('error', () => {});
      this.#all.set(name, { follower, meter: new SpaceMeter(systemTime.now()) });
    }
  }

  /** The last second of each. A space that was removed is no longer there. */
  seconds(): SpaceSecond[] {
    const now = systemTime.now();
    for (const [name, { follower }] of this.#all) if (follower.mode === 'stopped') this.#all.delete(name);
    return [...this.#all].map(([space, { follower, meter }]) => {
      const { freshness, staleMs, owner, ownerName } = follower.status;
      const standing = {
        space,
        owner,
        ownerName: ownerName ?? null,
        mode: follower.mode,
        freshness,
        staleMs: Number.isFinite(staleMs) ? Math.round(staleMs) : null,
        keys: follower.size,
        head: follower.head,
      };
      return meter.second(standing, now);
    });
  }

  async stop(): Promise<void> {
    await this.#tandem.stop();
  }
}

interface Printer {
  begin(): void;
  show(seconds: readonly SpaceSecond[]): void;
  end(): void;
}

function printerOf(console: Console, isJson: boolean): Printer {
  const paint = paintOf(console);
  const nothing = (): void => {};
  if (isJson)
    return {
      begin: nothing,
      show: (spaces) => console.out(jsonLine({ at: systemTime.wall(), spaces })),
      end: nothing,
    };
  if (!console.isTerminal)
    return { begin: nothing, show: (seconds) => console.out(`${topTable(seconds, paint)}\n`), end: nothing };
  return {
    begin: () => console.out(`${ENTER}${harmless('following…')}`),
    show: (seconds) => console.out(topScreen(seconds, console.size(), paint, 'Ctrl-C ends')),
    end: () => console.out(LEAVE),
  };
}
