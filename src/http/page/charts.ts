/**
 * Charts of the state, as the application declares them: numbers in values as lines over time, and words in
 * values as bands behind the lines. Invariant: a stale state is not drawn.
 */
import type { AnyParticipant } from '../../actor/participant.ts';
import { show, TandemError } from '../../base/errors.ts';
import type { Tandem } from '../../tandem.ts';
import { Recent } from './recent.ts';

/** The colour of a band. */
export type Tone = 'good' | 'bad' | 'critical' | 'neutral' | 'none';

/** A number inside a value: of one key, or of each key of a family. */
export interface ChartLine {
  /** A key, or a family such as `'strategy/*'`, which has one line for each of its keys. */
  readonly key: string;
  /** The path of the number in the value, as in `'close'` or `'book.exposure'`. Default: the value itself. */
  readonly path?: string;
  /** The name of the line. Default: the key, or the part of the key after the family's slash. */
  readonly label?: string;
}

/** A chart on the live page: numbers of a space as lines over time. */
export interface ChartOptions {
  /** The title of the chart. */
  readonly title: string;
  /** The name of the space. */
  readonly space: string;
  /** The lines. At most 12 are drawn. */
  readonly lines: readonly ChartLine[];
  /**
   * A word in a value. A band behind the lines lasts for as long as the value has that word. Default: none.
   */
  readonly bands?: {
    readonly key: string;
    readonly path?: string;
    /** The colour of each word's band. Default `'none'`. */
    readonly tones?: Readonly<Record<string, Tone>>;
  };
  /** A text in a value that labels the points on the time axis, such as a date. Default: the time of day. */
  readonly label?: { readonly key: string; readonly path?: string };
  /** The format of numbers. Default `'number'`. */
  readonly format?: 'number' | 'percent' | 'signed';
}

/** One point of a chart: all of its lines at one moment. */
export interface ChartPoint {
  readonly chart: number;
  /** On `Time`, ms. */
  readonly at: number;
  /** By the name of the line; empty where the state was stale. */
  readonly values: Readonly<Record<string, number>>;
  readonly band: string | null;
  readonly label: string | null;
}

const KEPT_POINTS = 900;
/** Before those, one point in so many ms is kept, for a quarter of an hour. */
const SPARSE_MS = 2_000;
const KEPT_SPARSE = 450;
const MAX_LINES = 12;
/** The time between two points of a chart whose space does not change. */
const STILL_MS = 1_000;

/**
 * Returns the charts if they are well-formed.
 * @throws TandemError `INVALID_OPTION`
 */
export function requireCharts(charts: readonly ChartOptions[]): readonly ChartOptions[] {
  const given: unknown = charts;
  if (!Array.isArray(given))
    throw new TandemError('INVALID_OPTION', `charts: expected an array, got ${show(given)}`);
  for (const chart of charts) {
    const isWhole = typeof chart?.title === 'string' && typeof chart.space === 'string';
    if (!isWhole || !Array.isArray(chart.lines) || chart.lines.some((line) => typeof line?.key !== 'string'))
      throw new TandemError(
        'INVALID_OPTION',
        `charts: expected { title, space, lines: [{ key, path }] }, got ${show(chart)}`,
      );
  }
  return charts;
}

export class ChartRecorder {
  readonly points: Recent<ChartPoint>;
  readonly #sparse: Recent<ChartPoint>;
  /** By chart, the point for the time that goes on. */
  readonly #kept: (ChartPoint | undefined)[] = [];
  readonly #charts: readonly ChartOptions[];
  readonly #drawn: { head: string; at: number; wasLive: boolean }[];

  readonly #families = new Map<string, { readonly at: number; readonly keys: readonly string[] }>();

  constructor(charts: readonly ChartOptions[]) {
    this.#charts = charts;
    this.#drawn = charts.map(() => ({ head: '', at: -Infinity, wasLive: false }));
    this.points = new Recent(KEPT_POINTS * Math.max(1, charts.length));
    this.#sparse = new Recent(KEPT_SPARSE * Math.max(1, charts.length));
  }

  /** What a reader that has had `count` points gets: one that has none also gets what came before those kept. */
  since(count: number): ChartPoint[] {
    const recent = this.points.since(count);
    const from = recent[0]?.at ?? Infinity;
    if (count > 0) return recent;
    return [...this.#sparse.since(0).filter(({ at }) => at < from), ...recent];
  }

  /** Adds a point to each chart whose space has changed. */
  sample(tandem: Tandem, now: number): void {
    for (const [index, chart] of this.#charts.entries()) {
      const participant = tandem.get(chart.space);
      const drawn = this.#drawn[index]!;
      if (participant === undefined) continue;
      const isLive = participant.proof.freshness() === 'live';
      const isSame = participant.head === drawn.head && isLive === drawn.wasLive;
      if (isSame && now - drawn.at < STILL_MS) continue;
      this.#drawn[index] = { head: participant.head, at: now, wasLive: isLive };
      const keysOf = (family: string): readonly string[] => this.#keysOf(participant, family, now);
      this.#add(isLive ? pointOf(participant, chart, index, now, keysOf) : holeIn(index, now));
    }
  }

  /** Of the points of a while, a hole is kept before all: it says that the state was stale. */
  #add(point: ChartPoint): void {
    this.points.add(point);
    const kept = this.#kept[point.chart];
    const isOver = kept !== undefined && Math.floor(kept.at / SPARSE_MS) !== Math.floor(point.at / SPARSE_MS);
    if (isOver) this.#sparse.add(kept);
    if (kept === undefined || isOver || !isHole(kept)) this.#kept[point.chart] = point;
  }

  /** The keys of a family. Finding them is a walk over the whole state, so the result is kept for 1 s. */
  #keysOf(participant: AnyParticipant, family: string, now: number): readonly string[] {
    const name = `${participant.space.name} ${family}`;
    const known = this.#families.get(name);
    if (known && now - known.at < STILL_MS) return known.keys;
    const keys = keysWith(participant, family.slice(0, -1));
    this.#families.set(name, { at: now, keys });
    return keys;
  }
}

/** A point without values: the lines have a hole where the state was stale. */
function holeIn(chart: number, at: number): ChartPoint {
  return { chart, at, values: {}, band: null, label: null };
}

function isHole({ values }: ChartPoint): boolean {
  for (const _ in values) return false;
  return true;
}

function pointOf(
  participant: AnyParticipant,
  { lines, bands, label }: ChartOptions,
  chart: number,
  at: number,
  keysOf: (family: string) => readonly string[],
): ChartPoint {
  const all = lines.flatMap((line) => valuesOf(participant, line, keysOf)).slice(0, MAX_LINES);
  const word = (place: { key: string; path?: string } | undefined): string | null => {
    const found = place && read(participant, place.key, place.path);
    return typeof found === 'string' || typeof found === 'number' ? `${found}`.slice(0, 64) : null;
  };
  return { chart, at, values: Object.fromEntries(all), band: word(bands), label: word(label) };
}

function valuesOf(
  participant: AnyParticipant,
  { key, path, label }: ChartLine,
  keysOf: (family: string) => readonly string[],
): [string, number][] {
  const keys = key.endsWith('*') ? keysOf(key) : [key];
  return keys.flatMap((one) => {
    const value = read(participant, one, path);
    const name = key === one ? (label ?? one) : one.slice(key.length - 1);
    return typeof value === 'number' && Number.isFinite(value)
      ? [[name, value] satisfies [string, number]]
      : [];
  });
}

function keysWith(participant: AnyParticipant, prefix: string): string[] {
  const keys: string[] = [];
  try {
    for (const { key } of participant.entries(prefix)) {
      keys.push(key);
      if (keys.length === MAX_LINES) break;
    }
  } catch {
    // A standby may hold a value that its own schemas refuse. The keys after it are not drawn.
  }
  return keys;
}

function read(participant: AnyParticipant, key: string, path?: string): unknown {
  if (participant.space.schemaOf(key) === undefined) return undefined;
  let value: unknown;
  try {
    ({ value } = participant.get(key));
  } catch {
    // A standby may hold a value that its own schemas refuse. It is not drawn.
    return undefined;
  }
  for (const step of path?.split('.') ?? []) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return value;
}
