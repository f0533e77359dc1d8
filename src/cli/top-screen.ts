/** The screen of `top`. Pure. */
import { inWords } from './duration.ts';
import type { Paint, Tone } from './paint.ts';
import type { SpaceSecond } from './space-meter.ts';
import type { Cell, Column } from './table.ts';
import { tableOf } from './table.ts';

/** Control sequences: the alternate screen, the cursor, and what is left of the screen before. */
export const ENTER = '\x1b[?1049h\x1b[?25l';
export const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

const COLUMNS: readonly Column[] = [
  { title: 'SPACE' },
  { title: 'FRESH' },
  { title: 'OWNER' },
  { title: 'CHANGES/S', align: 'right' },
  { title: 'FRAMES/S', align: 'right' },
  { title: 'LAG', align: 'right' },
  { title: 'MOST', align: 'right' },
  { title: 'KEYS', align: 'right' },
  { title: 'MODE' },
  { title: 'HEAD' },
];

/** The rows as a table: what is stale stands first, then what changes most. */
export function topTable(seconds: readonly SpaceSecond[], paint: Paint, width = Infinity): string {
  return tableOf(COLUMNS, seconds.toSorted(byUrgency).map(rowOf), paint, width);
}

/** The whole screen, drawn over the one before. */
export function topScreen(
  seconds: readonly SpaceSecond[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
  paint: Paint,
  note: string,
): string {
  const stale = seconds.filter(({ freshness }) => freshness !== 'live').length;
  const changes = Math.round(seconds.reduce((sum, { changesPerS }) => sum + changesPerS, 0));
  const head = `${seconds.length} spaces, ${stale} stale, ${changes} changes/s`;
  const table = topTable(seconds, paint, columns);
  return screenOf({ isWell: stale === 0, head, table, note }, { columns, rows }, paint);
}

/** What a screen shows: a line, a table as far as there is room, and a note. */
export interface Screen {
  readonly isWell: boolean;
  readonly head: string;
  readonly table: string;
  readonly note: string;
}

/** A screen, drawn over the one before. */
export function screenOf(
  { isWell, head, table, note }: Screen,
  { columns, rows }: { readonly columns: number; readonly rows: number },
  paint: Paint,
): string {
  const listed = table.trimEnd().split('\n');
  const shown = listed.slice(0, Math.max(1, rows - 3));
  const rest = listed.length - shown.length;
  const foot = rest > 0 ? `and ${rest} more` : note;
  const lines = [
    paint(isWell ? 'strong' : 'bad', head.slice(0, columns)),
    ...shown,
    paint('quiet', foot.slice(0, columns)),
  ];
  return `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join('\r\n')}${CLEAR_BELOW}`;
}

function byUrgency(a: SpaceSecond, b: SpaceSecond): number {
  const stale = Number(b.freshness !== 'live') - Number(a.freshness !== 'live');
  return stale || b.changesPerS - a.changesPerS || (a.space < b.space ? -1 : 1);
}

function rowOf(second: SpaceSecond): (Cell | string)[] {
  const { space, freshness, staleMs, owner, ownerName, changesPerS, framesPerS, lagMs, mostLagMs } = second;
  const tone: Tone = freshness === 'live' ? 'good' : 'bad';
  return [
    { text: space, tone: 'strong' },
    { text: `${freshness} ${inWords(staleMs)}`, tone },
    {
      text: ownerName === null ? owner : `${owner} ${ownerName}`,
      tone: owner === 'alive' ? undefined : 'warning',
    },
    String(Math.round(changesPerS)),
    String(Math.round(framesPerS)),
    milliseconds(lagMs),
    milliseconds(mostLagMs),
    String(second.keys),
    second.mode,
    second.head,
  ];
}

function milliseconds(ms: number | null): string {
  return ms === null ? '-' : ms < 10 ? `${ms.toFixed(1)} ms` : inWords(ms);
}
