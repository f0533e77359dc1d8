/** `diff`: what each process shows of a space, against what Redis has, key by key. */
import { pause } from '../base/time.ts';
import type { Position } from '../state/position.ts';
import { compare, epochIn, printPosition } from '../state/position.ts';
import { parsed } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { Failure, UsageError } from './console.ts';
import type { Comparison, Difference, ShownKey, ShownState } from './difference.ts';
import { compared, lasting } from './difference.ts';
import { inWords } from './duration.ts';
import { jsonLine } from './json-line.ts';
import { paintOf } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import type { Place, ShownSpace } from './shown-space.ts';
import { askSpace, placeOf } from './shown-space.ts';
import { EXPECTED_NAME, isSpaceName } from '../state/space-name.ts';
import { tableOf } from './table.ts';

const USAGE = `Usage: tandem-sync diff SPACE --url URL... [options]

Compares what processes show at GET /spaces/SPACE with what Redis has, key by key. A key at a later position is
ahead or behind, and not different. What differs is asked for again, and counts only where it still does. Exits with
1 where a process is different, stays behind or ahead, is stale, or does not answer.

  --url URL               where a process has mounted statusRouter. May come several times
${REACH_USAGE}`;

const OPTIONS = { ...REACH, url: { type: 'string', multiple: true } } as const;
/** Until what was on its way has arrived, ms: a commit follows its announcement within some 10. */
const AGAIN_MS = 700;
/** The most characters of a value that are shown. */
const LONGEST_SHOWN = 60;

/** What was found of one process. */
interface Found extends Comparison {
  readonly process: string;
  readonly error?: string;
  readonly head?: string;
  readonly freshness?: string;
  readonly staleMs?: number | null;
  readonly owner?: string;
  readonly keys?: number;
  /** It has not come to where Redis was a moment before, or Redis not to where it was. */
  readonly isStuck: boolean;
}

interface Look {
  readonly redis: ShownState;
  readonly process: ShownSpace;
  readonly comparison: Comparison;
}

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const [space = '', ...others] = positionals;
  if (!isSpaceName(space) || others.length > 0) throw new UsageError(EXPECTED_NAME);
  const places = (values.url ?? []).map((url) => placeOf(url, space));
  if (places.length === 0) throw new UsageError('--url is missing: where a process serves its spaces');
  const server = await Server.open(reachOf(values, console));
  try {
    const found = await Promise.all(places.map((place) => compareWith(server, space, place, console.ended)));
    if (values.json === true) for (const one of found) console.out(jsonLine(inJson(one)));
    else console.out(textOf(found, console));
    return found.every(isWell) ? 0 : 1;
  } finally {
    server.close();
  }
}

async function compareWith(server: Server, space: string, place: Place, signal: AbortSignal): Promise<Found> {
  const process = place.name;
  try {
    const first = await look(server, space, place);
    if (isSame(first)) return foundOf(process, first, first.comparison, false);
    await pause(server.time, AGAIN_MS, signal);
    const second = await look(server, space, place);
    const different = lasting(first.comparison, second.comparison);
    const isStuck =
      compare(second.process.head, first.redis.head) < 0 ||
      compare(second.redis.head, first.process.head) < 0;
    return foundOf(process, second, { ...second.comparison, different }, isStuck);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { process, error: error.message, behind: 0, ahead: 0, different: [], isStuck: false };
  }
}

function isSame({ comparison: { behind, ahead, different }, redis, process }: Look): boolean {
  return behind + ahead + different.length === 0 && compare(redis.head, process.head) === 0;
}

async function look(server: Server, space: string, place: Place): Promise<Look> {
  const [redis, process] = await Promise.all([storedState(server, space), askSpace(place)]);
  return { redis, process, comparison: compared(redis, process) };
}

async function storedState(server: Server, space: string): Promise<ShownState> {
  const { head, keys } = await server.state(space);
  const shown = new Map<string, ShownKey>();
  for (const [key, { revision, json }] of keys)
    shown.set(key, { value: valueOf(json), position: { epoch: epochIn(head, revision), revision } });
  return { head, keys: shown };
}

/** What is no JSON is equal to nothing that a process can show. */
function valueOf(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return new Error(json);
  }
}

function foundOf(process: string, { process: shown }: Look, comparison: Comparison, isStuck: boolean): Found {
  const { head, keys, freshness, staleMs, owner } = shown;
  return {
    process,
    ...comparison,
    isStuck,
    head: printPosition(head),
    keys: keys.size,
    freshness,
    staleMs,
    owner,
  };
}

/** Where the owner has ended with all of it committed, nothing is live, and that is well. */
function isWell({ error, different, isStuck, freshness, owner }: Found): boolean {
  const isCurrent = freshness === 'live' || owner === 'released';
  return error === undefined && different.length === 0 && !isStuck && isCurrent;
}

function inJson({ different, ...found }: Found): object {
  const sideOf = (side: ShownKey | undefined) =>
    side === undefined
      ? null
      : {
          position: printPosition(side.position),
          ...(side.value instanceof Error ? { unreadable: side.value.message } : { value: side.value }),
        };
  return {
    ...found,
    different: different.map(({ key, redis, process }) => ({
      key,
      redis: sideOf(redis),
      process: sideOf(process),
    })),
  };
}

function textOf(found: readonly Found[], console: Console): string {
  const paint = paintOf(console);
  const columns = [
    { title: 'PROCESS' },
    { title: 'FRESHNESS' },
    { title: 'KEYS', align: 'right' as const },
    { title: 'BEHIND', align: 'right' as const },
    { title: 'AHEAD', align: 'right' as const },
    { title: 'DIFFERENT', align: 'right' as const },
    { title: 'HEAD' },
  ];
  const rows = found.map((one) => {
    const {
      process,
      error,
      freshness = '-',
      staleMs,
      keys = 0,
      behind,
      ahead,
      different,
      head,
      isStuck,
    } = one;
    if (error !== undefined)
      return [process, { text: 'no answer', tone: 'bad' as const }, '', '', '', '', error];
    const fresh = {
      text: `${freshness} ${inWords(staleMs)}`,
      tone: freshness === 'live' ? ('good' as const) : ('bad' as const),
    };
    const differing = {
      text: String(different.length),
      tone: different.length > 0 ? ('bad' as const) : undefined,
    };
    const place = `${head}${isStuck ? ' (does not move)' : ''}`;
    return [process, fresh, String(keys), String(behind), String(ahead), differing, place];
  });
  const details = found.flatMap(({ process, different }) =>
    different.map((one) => differenceText(process, one)),
  );
  return `${tableOf(columns, rows, paint)}${details.length > 0 ? `\n${tableOf(KEY_COLUMNS, details, paint)}` : ''}`;
}

const KEY_COLUMNS = [
  { title: 'PROCESS' },
  { title: 'KEY' },
  { title: 'IN REDIS' },
  { title: 'IN THE PROCESS' },
];

function differenceText(name: string, { key, redis, process }: Difference): string[] {
  return [name, key, sideText(redis), sideText(process)];
}

function sideText(side: { position: Position; value: unknown } | undefined): string {
  if (side === undefined) return 'missing';
  const { value } = side;
  const text = value instanceof Error ? value.message : JSON.stringify(value);
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return `${shown} at ${printPosition(side.position)}`;
}
