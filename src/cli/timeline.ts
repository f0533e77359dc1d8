/** `timeline`: what happened to the participants of all processes, oldest first. */
import type { FleetMember, Standing } from '../fleet/fleet.ts';
import type { TransitionKind } from '../fleet/transition.ts';
import { spacePattern } from '../state/space-name.ts';
import { parsed, patternIn } from './arguments.ts';
import type { Console, ExitCode } from './console.ts';
import { inWords } from './duration.ts';
import { jsonLine } from './json-line.ts';
import type { Span } from './moment.ts';
import { MOMENT_USAGE, spanOf } from './moment.ts';
import { paintOf } from './paint.ts';
import type { Tone } from './paint.ts';
import { REACH, REACH_USAGE, reachOf } from './reach.ts';
import { Server } from './server.ts';
import { dateText } from './stored-line.ts';
import { tableOf } from './table.ts';

const USAGE = `Usage: tandem-sync timeline [SPACE|PATTERN] [options]

Prints what happened to the owners, standbys and followers of all processes, oldest first: changes of their mode, of the
freshness of their readings, and of how their owner stands. Each has its time by the clock of Redis, how long it lasted,
and the reason. Each participant keeps its last 20. One that is gone is listed for an hour. What changed meanwhile, and
what was there before: "tandem-sync history SPACE --from TIME --to TIME --by-key", where the owner keeps a history.

  SPACE, PATTERN          only spaces whose names match, such as 'bot:*'
  --from TIME             only what happened then or later, or lasted until then: ${MOMENT_USAGE}
  --to TIME               only what happened then or earlier
${REACH_USAGE}`;

const OPTIONS = { ...REACH, from: { type: 'string' }, to: { type: 'string' } } as const;
const COLUMNS = [
  { title: 'AT' },
  { title: 'LASTED', align: 'right' },
  { title: 'SPACE' },
  { title: 'ROLE' },
  { title: 'NAME' },
  { title: 'PID', align: 'right' },
  { title: 'WHAT' },
  { title: 'WAS' },
  { title: 'IS' },
  { title: '' },
] as const;

/** A transition of a participant, and how long it was like that. */
interface Passage {
  /** When it became so, ms since 1970 on the clock of Redis. */
  readonly at: number;
  /** Until it became something else; `null` where it is like that still, or was as its process was last heard. */
  readonly lastedMs: number | null;
  readonly space: string;
  readonly role: FleetMember['role'];
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  /** `process`: its process was heard last at that time. */
  readonly kind: TransitionKind | 'process';
  readonly from: string;
  readonly to: string;
  readonly reason: string;
  /** How the participant stands now. */
  readonly standing: Standing;
}

export async function run(args: readonly string[], console: Console): Promise<ExitCode> {
  const { values, positionals } = parsed(args, OPTIONS);
  if (values.help === true) return (console.out(USAGE), 0);
  const pattern = patternIn(positionals);
  const reach = reachOf(values, console);
  const server = await Server.open(reach);
  try {
    const { at: now, members, leftOut } = await server.fleet();
    const span = spanOf(values, now);
    const names = spacePattern(pattern);
    const passages = passagesOf(
      members.filter(({ space }) => names.test(space)),
      span,
    );
    if (values.json === true) for (const passage of passages) console.out(jsonLine(passage));
    else if (passages.length === 0) console.err('nothing is known of that time\n');
    else {
      const width = console.isTerminal ? console.size().columns : Infinity;
      console.out(tableOf(COLUMNS, passages.map(rowOf), paintOf(console), width));
    }
    if (leftOut > 0) console.err(`${leftOut} participants are not listed\n`);
    return 0;
  } finally {
    server.close();
  }
}

/** What happened in a time, or lasted into it, oldest first. Of one moment, the order of a participant stays. */
function passagesOf(members: readonly FleetMember[], { from = -Infinity, to = Infinity }: Span): Passage[] {
  return members
    .flatMap(passagesOfMember)
    .filter(({ at, lastedMs }) => at <= to && at + (lastedMs ?? Infinity) >= from)
    .toSorted((a, b) => a.at - b.at);
}

function passagesOfMember(member: FleetMember): Passage[] {
  const { space, role, name, host, pid, standing, transitions } = member;
  const who = { space, role, name, host, pid, standing };
  const passages = transitions.map(({ kind, from, to, reason, at }, place): Passage => {
    const next = transitions.slice(place + 1).find((one) => one.kind === kind);
    const lastedMs = next === undefined ? null : Math.max(0, next.at - at);
    return { at, lastedMs, ...who, kind, from, to, reason };
  });
  const reason = LOST[standing];
  if (reason === undefined) return passages;
  const to = standing === 'silent' ? 'silent' : 'gone';
  return [...passages, { at: member.at, lastedMs: null, ...who, kind: 'process', from: 'heard', to, reason }];
}

/** Processes that said no goodbye tell nothing of their end, so the time at which they were heard last stands for it. */
const LOST: Readonly<Partial<Record<Standing, string>>> = {
  gone: 'heard last then; it said no goodbye',
  silent: 'heard last then; it was killed, stands still, or cannot reach Redis',
  replaced: 'heard last then; it said no goodbye, and one of the same name was started since',
};

const TONES: Readonly<Record<string, Tone>> = {
  connected: 'good',
  live: 'good',
  alive: 'good',
  stale: 'bad',
  lost: 'bad',
  gone: 'bad',
  silent: 'bad',
  degraded: 'warning',
};

/** Of whoever says nothing any more, nobody knows whether it is like that still. */
const OVER: ReadonlySet<Standing> = new Set(['gone', 'silent', 'replaced', 'stopped']);

function rowOf({ at, lastedMs, space, role, name, pid, kind, from, to, reason, standing }: Passage) {
  const noEnd = OVER.has(standing) ? '-' : 'still';
  const lasted = lastedMs === null ? noEnd : inWords(lastedMs);
  const is = { text: to, tone: TONES[to] };
  const why = { text: reason, tone: 'quiet' as const };
  return [dateText(at), lasted, space, role, name, String(pid), kind, from, is, why];
}
