/**
 * When each key was set: a table from revisions to times. Pure, and without a clock.
 *
 * Revisions grow in the order of time, and each entry has the revision of its last change. So one table answers
 * for all keys of a space. It is a list of spans: the revisions after one and up to another were all set between
 * two times, in whole ms. A lookup gives the middle.
 *
 * Two neighbours become one span where its length is at most 2 % of its age. So the middle is wrong by 1 % of the
 * age at most, now and ever after, and the table grows with the logarithm of the age. A key that was put right has
 * a new revision and an old time: such a span stays by itself for long, and counts against the limit.
 *
 * As text: segments, each behind a `;` but for the first. A segment is `<revision>@<ms>`, and then spans in order,
 * each behind a comma: how many revisions it has, and where they are not 0, how much later than the one before it
 * begins and how long it is, in ms, with dots between. `<n>.` are n revisions of unknown times.
 */

/** The revisions after `after`, up to `last`, were set between `lo` and `hi`, ms. */
export interface Span {
  readonly after: number;
  readonly last: number;
  readonly lo: number;
  readonly hi: number;
}

/** A span of this table alone: the next note may make it longer. */
type Own = { -readonly [K in keyof Span]: Span[K] };

/** The length of a span, by its age. The middle is wrong by half of it. */
const LENGTH_PER_AGE = 0.02;
/** After so many spans that were added, neighbours are merged: so a note costs O(1) amortized. */
const MERGE_AFTER = 256;
/** Beyond so many spans, the times of the oldest revisions are forgotten. */
const MAX_SPANS = 4_096;

const SEGMENT = /^(\d{1,16})@(\d{1,16})((?:,\d{1,16}(?:\.-?\d{0,16}(?:\.\d{1,16})?)?)*)$/;

export class ChangeTimes {
  #spans: Own[] = [];
  #added = 0;

  /** Reads a text. A segment that is malformed is passed over. */
  static of(text: string | undefined): ChangeTimes {
    const times = new ChangeTimes();
    if (text !== undefined) times.take(text);
    return times;
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  /** The number of spans. */
  get length(): number {
    return this.#spans.length;
  }

  /** The last revision whose time is known; 0 where none is. */
  get last(): number {
    return this.#spans.at(-1)?.last ?? 0;
  }

  /** The changes after one revision and up to another were set at a time, ms. Whatever was said of later ones is void. */
  note(after: number, last: number, lo: number, hi = lo): void {
    if (!(last > after && hi >= lo)) return;
    const spans = this.#spans;
    const before = spans.at(-1);
    if (before !== undefined && before.last > after) this.forgetAfter(after);
    else if (before !== undefined && before.last === after && before.lo === lo && before.hi === hi) {
      before.last = last;
      return;
    }
    this.#spans.push({ after, last, lo, hi });
    this.#added += 1;
    if (this.#added >= MERGE_AFTER) this.#merge();
  }

  /** The time of a revision, ms: the middle of its span. `undefined` where it is not known. */
  at(revision: number): number | undefined {
    const span = this.find(revision);
    return span && Math.floor((span.lo + span.hi) / 2);
  }

  /** The span that a revision is in. */
  find(revision: number): Span | undefined {
    const spans = this.#spans;
    let low = 0;
    for (let high = spans.length; low < high;) {
      const middle = (low + high) >>> 1;
      if (spans[middle]!.last < revision) low = middle + 1;
      else high = middle;
    }
    const span = spans[low];
    return span !== undefined && span.after < revision ? span : undefined;
  }

  /** The spans of the revisions after one and up to another, in order. */
  *between(after: number, upTo: number): Generator<Own, void, void> {
    const spans = this.#spans;
    let at = spans.length;
    while (at > 0 && spans[at - 1]!.last > after) at -= 1;
    for (; at < spans.length && spans[at]!.after < upTo; at += 1) {
      const span = spans[at]!;
      yield { ...span, after: Math.max(span.after, after), last: Math.min(span.last, upTo) };
    }
  }

  /** Drops what is known of the revisions after this one. */
  forgetAfter(revision: number): void {
    const spans = this.#spans;
    for (let span = spans.at(-1); span !== undefined && span.last > revision; span = spans.at(-1)) {
      if (span.after < revision) {
        span.last = revision;
        return;
      }
      spans.pop();
    }
  }

  clear(): void {
    this.#spans = [];
    this.#added = 0;
  }

  /** Takes from another table what is not known here. */
  fill(other: ChangeTimes): void {
    const own = this.#spans;
    const filled: Own[] = [];
    const add = (after: number, upTo: number): void => {
      if (after < upTo) filled.push(...other.between(after, upTo));
    };
    let upTo = 0;
    for (const span of own) {
      add(upTo, span.after);
      filled.push(span);
      upTo = span.last;
    }
    add(upTo, Infinity);
    this.#spans = filled;
    this.#merge();
  }

  /** The spans between two revisions as text; empty where nothing is known of them. */
  print(after = 0, upTo = Infinity): string {
    let text = '';
    let revision = after;
    let from = 0;
    for (const span of this.between(after, upTo)) {
      if (text === '') {
        text = `${after}@${span.lo}`;
        from = span.lo;
      }
      if (span.after > revision) text += `,${span.after - revision}.`;
      const [later, length] = [span.lo - from, span.hi - span.lo];
      text += `,${span.last - span.after}`;
      if (length !== 0) text += `.${later}.${length}`;
      else if (later !== 0) text += `.${later}`;
      revision = span.last;
      from = span.lo;
    }
    return text;
  }

  /**
   * Notes all that a text says, segment by segment. One that is malformed is passed over.
   * @param latest a time after this cannot be, ms: it stands in its place. Default: none
   */
  take(text: string, latest = Number.MAX_SAFE_INTEGER): void {
    for (const segment of text.split(';')) this.#take(segment, latest);
  }

  #take(segment: string, latest: number): void {
    const [, after, ms, spans = ''] = SEGMENT.exec(segment) ?? [];
    if (after === undefined) return;
    let revision = Number(after);
    let from = Number(ms);
    this.forgetAfter(revision);
    for (const span of spans.split(',')) {
      if (span === '') continue;
      const [count, later, length = 0] = span.split('.');
      const last = revision + Number(count);
      if (later !== '') {
        from += Number(later ?? 0);
        const hi = Math.min(from + Number(length), Math.floor(latest));
        if (!(from >= 0 && last < Number.MAX_SAFE_INTEGER)) return;
        this.note(revision, last, Math.min(from, hi), hi);
      }
      revision = last;
    }
  }

  /** The time of the last revision stands for the present, which is later: so never too much is merged. */
  #merge(): void {
    this.#added = 0;
    const now = this.#spans.at(-1)?.hi ?? 0;
    const merged: Own[] = [];
    for (const span of this.#spans) {
      const before = merged.at(-1);
      const one = before?.last === span.after ? union(before, span) : undefined;
      // planted: merged-times
      if (one !== undefined && one.hi - one.lo <= (now - one.hi) * LENGTH_PER_AGE)
        merged[merged.length - 1] = one;
      else merged.push(span);
    }
    this.#spans = merged.length <= MAX_SPANS ? merged : merged.slice(-MAX_SPANS);
  }
}

function union(a: Span, b: Span): Own {
  return { after: a.after, last: b.last, lo: Math.min(a.lo, b.lo), hi: Math.max(a.hi, b.hi) };
}
