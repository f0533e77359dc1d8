/**
 * The timeline of one space: what its headline was, and when, for the last 24 hours. Pure: it is told the time.
 *
 * It is bounded. Beyond `most` spans, the two neighbours that lasted shortest become one, which counts what it was
 * made of and shows the worse of the two. What happens now is never merged.
 *
 *   the first 2 s of a process      no outage: it has only begun to read
 *   a change of less than 1 s       within an outage, and back: no span of its own
 *   an outage                       any number of spans of trouble one after the other
 */
import type { Mode } from '../../state/mode.ts';
import type { Freshness } from '../../state/reading.ts';
import type { Headline } from '../headlines.ts';

const KEPT_MS = 24 * 3_600_000;
const BEGINNING_MS = 2_000;
const SHORT_MS = 1_000;

/** `trouble`: something has failed. `idle`: there is nothing to be live, as after a release. */
export type Condition = 'well' | 'idle' | 'trouble';

/** How a space is at a moment. */
export interface Now {
  readonly headline: Headline;
  readonly condition: Condition;
  readonly mode: Mode;
  readonly freshness: Freshness;
}

/** A time through which a headline lasted: until the next span begins. */
export interface Span extends Now {
  /** When it began, ms since 1970 by this machine's wall clock. */
  readonly at: number;
  /** Of how many spans it was made. With more than one, the rest is that of the worst of them. */
  readonly merged: number;
  /** How many outages began in it. */
  readonly outages: number;
  /** When the first of those began, ms since 1970; `undefined` without one. */
  readonly outageAt: number | undefined;
  /** Of a merged span: for how long there was trouble in it, ms. */
  readonly troubleMs: number | undefined;
}

/** What a timeline comes to. */
export interface Summary {
  /** How many outages began. */
  readonly outages: number;
  /** When the first of them began, ms since 1970; `undefined` without one. */
  readonly since: number | undefined;
  /** For how long there was trouble in all, ms. */
  readonly troubleMs: number;
}

export class Timeline {
  #spans: Span[] = [];
  #version = 0;

  /** Oldest first. */
  get spans(): readonly Span[] {
    return this.#spans;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  get last(): Span | undefined {
    return this.#spans.at(-1);
  }

  /** Since when the headline is what it is, ms since 1970: freshness may have changed meanwhile. */
  get headlineSince(): number | undefined {
    const spans = this.#spans;
    const before = spans.findLastIndex(({ headline }) => headline !== this.last?.headline);
    return spans[before + 1]?.at;
  }

  /**
   * How the space is at this moment.
   * @param wall ms since 1970; a clock that was set back counts as one that stood still
   * @param most the greatest number of spans
   */
  note(wall: number, now: Now, most: number): void {
    const last = this.last;
    if (last === undefined) return this.#add(beginning(wall, now));
    const at = Math.max(wall, last.at);
    if (isSame(last, now)) this.#worsen(last, now);
    else if (this.#isShort(last, at, now)) this.#replaceLast(undefined);
    else if (this.#hasOnlyBegun(last, at, now)) this.#replaceLast(beginning(last.at, now));
    else this.#add({ ...one(at, now), ...(begins(last, now) && { outages: 1, outageAt: at }) });
    this.#bound(at, most);
  }

  summary(wall: number): Summary {
    const spans = this.#spans;
    const outages = spans.reduce((sum, span) => sum + span.outages, 0);
    const since = spans.find((span) => span.outageAt !== undefined)?.outageAt;
    const troubleMs = spans.reduce((sum, span, n) => sum + troubleOf(span, spans[n + 1]?.at ?? wall), 0);
    return { outages, since, troubleMs };
  }

  /** A participant passes from one mode to another and back as it tries: the span has the worst of them. */
  #worsen(last: Span, { mode }: Now): void {
    if (MODES.indexOf(mode) <= MODES.indexOf(last.mode)) return;
    this.#replaceLast({ ...last, mode });
  }

  #isShort(last: Span, at: number, now: Now): boolean {
    const before = this.#spans.at(-2);
    if (before === undefined || at - last.at >= SHORT_MS || !isSame(before, now)) return false;
    return before.merged === 1 && before.condition === 'trouble' && last.condition === 'trouble';
  }

  #hasOnlyBegun(last: Span, at: number, now: Now): boolean {
    return this.#spans.length === 1 && at - last.at < BEGINNING_MS && now.condition !== 'trouble';
  }

  #replaceLast(span: Span | undefined): void {
    this.#spans.pop();
    if (span) this.#spans.push(span);
    this.#version += 1;
  }

  #add(span: Span): void {
    this.#spans.push(span);
    this.#version += 1;
  }

  #bound(wall: number, most: number): void {
    const spans = this.#spans;
    const old = spans.findIndex((_, n) => (spans[n + 1]?.at ?? Infinity) > wall - KEPT_MS);
    if (old > 0) {
      this.#spans = spans.slice(old);
      this.#version += 1;
    }
    while (this.#spans.length > Math.max(2, most)) this.#merge();
  }

  #merge(): void {
    const spans = this.#spans;
    const lasted = (n: number): number => spans[n + 2]!.at - spans[n]!.at;
    let shortest = 0;
    for (let n = 1; n < spans.length - 2; n += 1) if (lasted(n) < lasted(shortest)) shortest = n;
    const [a, b] = [spans[shortest]!, spans[shortest + 1]!];
    spans.splice(shortest, 2, mergedOf(a, b, spans[shortest + 2]!.at));
    this.#version += 1;
  }
}

/** The best one first. */
const MODES: readonly Mode[] = ['connected', 'recovering', 'degraded', 'stopped'];
const CONDITIONS: readonly Condition[] = ['well', 'idle', 'trouble'];

function isSame(a: Now, b: Now): boolean {
  return a.headline === b.headline && a.freshness === b.freshness;
}

function begins(last: Span, now: Now): boolean {
  return now.condition === 'trouble' && last.condition !== 'trouble';
}

function one(at: number, { headline, condition, mode, freshness }: Now): Span {
  const single = { merged: 1, outages: 0, outageAt: undefined, troubleMs: undefined };
  return { at, headline, condition, mode, freshness, ...single };
}

/** Trouble from the beginning is an outage as well, once the beginning is over. */
function beginning(at: number, now: Now): Span {
  return { ...one(at, now), ...(now.condition === 'trouble' && { outages: 1, outageAt: at }) };
}

function troubleOf(span: Span, until: number): number {
  return span.troubleMs ?? (span.condition === 'trouble' ? Math.max(0, until - span.at) : 0);
}

function mergedOf(a: Span, b: Span, until: number): Span {
  return {
    ...(rank(b) > rank(a) ? b : a),
    at: a.at,
    merged: a.merged + b.merged,
    outages: a.outages + b.outages,
    outageAt: a.outageAt ?? b.outageAt,
    troubleMs: troubleOf(a, b.at) + troubleOf(b, until),
  };
}

function rank({ condition, freshness }: Span): number {
  return 2 * CONDITIONS.indexOf(condition) + (freshness === 'stale' ? 1 : 0);
}
