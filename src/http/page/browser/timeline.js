/**
 * The last 24 hours of a space as a bar, the last outages in it as a list in the same order, and links to their moments.
 */
import { el, setText } from './dom.js';
import { momentHref } from './moment.js';
import { clockTime, dayTime, duration, headlineName } from './words.js';

const DAY_MS = 24 * 3_600_000;
const LEAST_MS = 10 * 60_000;
const SHOWN_OUTAGES = 5;
/** A bar of less than this cannot be seen or hit, in percent of the width. */
const LEAST_WIDTH = 0.3;
const SETTLED_MS = 1_000;
const TONES = { well: 'good', idle: 'none', trouble: 'bad' };

export class TimelineView {
  element;
  #space;
  #spans = [];
  #outages = 0;
  #since = null;
  #marked;
  #isLost = false;
  #drawnAt = -Infinity;
  #bar = el('div', { class: 'timeline', role: 'img' });
  #scale = el('div', { class: 'timeline-scale', 'aria-hidden': 'true' }, ...[0, 1, 2].map(() => el('span')));
  #note = el('p', { class: 'hint' });
  #list = el('ol', { class: 'outages' });

  constructor(space) {
    this.#space = space;
    this.element = el(
      'section',
      { class: 'card day', 'aria-label': `${space}: last 24 hours` },
      el('header', {}, el('h3', {}, 'Last 24 hours'), this.#note),
      this.#bar,
      this.#scale,
      this.#list,
    );
  }

  /** @param news the spans of the process, each with `at` in ms since 1970, and their counts */
  update({ spans, outages, since }) {
    this.#isLost = false;
    this.#spans = spans;
    this.#outages = outages;
    this.#since = since ?? null;
    this.#drawnAt = -Infinity;
  }

  /** Marks a moment; `undefined` marks none. */
  mark(at) {
    if (this.#marked === at) return;
    this.#marked = at;
    this.#drawnAt = -Infinity;
  }

  /** Nobody says any more how it goes on. */
  lost(wallMs) {
    this.#isLost = true;
    this.#drawnAt = -Infinity;
    this.draw(wallMs);
  }

  /** The span of a moment, or all of its outage, with its end; `undefined` where this process was not there. */
  at(moment) {
    const index = this.#spans.findLastIndex(({ at }) => at <= moment);
    if (index < 0) return undefined;
    const span = this.#spans[index];
    const outage = outagesOf(this.#spans).find(({ spans }) => spans.includes(span));
    if (outage === undefined) return { ...span, until: this.#spans[index + 1]?.at };
    const { from, until, spans } = outage;
    const freshness = spans.some((one) => one.freshness === 'stale') ? 'stale' : 'live';
    return { ...mainOf(spans, until ?? Infinity), at: from, until, freshness };
  }

  /** The bar moves by the width of a pixel in a minute or so: once a second is enough. */
  draw(wallMs) {
    if (this.#spans.length === 0 || wallMs - this.#drawnAt < 1_000) return;
    this.#drawnAt = wallMs;
    const first = Math.max(this.#spans[0].at, wallMs - DAY_MS);
    const from = Math.min(first, wallMs - LEAST_MS);
    const share = (at) => (100 * (at - from)) / (wallMs - from);
    const bars = this.#spans.map((span, n) => this.#barOf(span, this.#spans[n + 1]?.at ?? wallMs, share));
    if (this.#marked >= from && this.#marked <= wallMs) {
      const mark = el('i', { class: 'moment-mark' });
      mark.style.left = `${share(this.#marked)}%`;
      bars.push(mark);
    }
    this.#bar.replaceChildren(...bars);
    const middle = (from + wallMs) / 2;
    for (const [n, at] of [from, middle, wallMs].entries())
      setText(this.#scale.children[n], n === 2 ? 'now' : dayTime(at, wallMs));
    const words = this.#words(wallMs);
    setText(this.#note, words);
    if (this.#bar.getAttribute('aria-label') !== words) this.#bar.setAttribute('aria-label', words);
    this.#list.replaceChildren(
      ...outagesOf(this.#spans)
        .slice(-SHOWN_OUTAGES)
        .map((one) => this.#item(one, wallMs)),
    );
  }

  #barOf(span, until, share) {
    const left = Math.max(0, share(span.at));
    const width = Math.max(share(until) - left, span.condition === 'trouble' ? LEAST_WIDTH : 0);
    const tone = span.condition === 'trouble' && span.freshness === 'live' ? 'warn' : TONES[span.condition];
    const bar = el('span', {
      'data-tone': tone,
      'data-merged': span.merged > 1,
      title: `${dayTime(span.at, until)}, for ${duration(until - span.at)}: ${wordsOf(span)}`,
    });
    // For the mouse: the list below has links to the outages.
    bar.addEventListener('click', () => (location.hash = momentHref(this.#space, span.at)));
    bar.style.left = `${Math.min(left, 100 - LEAST_WIDTH)}%`;
    bar.style.width = `${width}%`;
    return bar;
  }

  #words(wallMs) {
    if (this.#outages === 0) return `no outage since ${dayTime(this.#spans[0].at, wallMs)}`;
    const many = this.#outages === 1 ? '1 outage' : `${this.#outages} outages`;
    return `${many} since ${dayTime(this.#since, wallMs)}, ${duration(this.#troubleNow(wallMs))} in all`;
  }

  /** The sum of the process was made when the last span began, which may go on. */
  #troubleNow(wallMs) {
    const last = this.#spans.at(-1);
    const isOn = last.condition === 'trouble';
    const before = this.#spans.slice(0, -1);
    const closed = before.reduce(
      (sum, span, n) =>
        sum + (span.troubleMs ?? (span.condition === 'trouble' ? this.#spans[n + 1].at - span.at : 0)),
      0,
    );
    return closed + (isOn ? Math.max(0, wallMs - last.at) : 0);
  }

  #item({ from, until, spans }, wallMs) {
    const end = until ?? wallMs;
    const main = mainOf(spans, end);
    const lasted = duration(end - from);
    const merged = spans.find(({ merged }) => merged > 1);
    const so = until !== undefined ? '' : this.#isLost ? ' when last seen' : ' so far';
    const text = merged
      ? `${merged.outages} outages within ${lasted}, the worst: ${headlineName(main.headline)}`
      : `${headlineName(main.headline)}, for ${lasted}${so}`;
    return el(
      'li',
      { 'data-tone': main.freshness === 'live' ? 'warn' : 'bad' },
      el(
        'a',
        { href: momentHref(this.#space, from), title: new Date(from).toISOString() },
        clockTime(from, wallMs),
      ),
      el('span', {}, text),
    );
  }
}

/** What an outage was: the last of its headlines that lasted a second, since the first ones only suspect it. */
function mainOf(spans, end) {
  const lasted = (span) => (spans[spans.indexOf(span) + 1]?.at ?? end) - span.at;
  const settled = spans.findLast((span) => lasted(span) >= SETTLED_MS);
  return settled ?? spans.reduce((a, b) => (lasted(b) > lasted(a) ? b : a));
}

function wordsOf({ headline, merged, outages }) {
  return merged > 1 ? `${outages} outages, the worst: ${headlineName(headline)}` : headlineName(headline);
}

/** Spans of trouble one after the other are one outage. */
function outagesOf(spans) {
  const outages = [];
  for (const [n, span] of spans.entries()) {
    if (span.condition !== 'trouble') continue;
    const goesOn = n > 0 && spans[n - 1].condition === 'trouble' && outages.length > 0;
    if (goesOn) outages.at(-1).spans.push(span);
    else outages.push({ from: span.at, spans: [span] });
    outages.at(-1).until = spans[n + 1]?.at;
  }
  return outages;
}
