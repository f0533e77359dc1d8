/**
 * Update latency, from the owner's set until visible here: p50 and p99 of each second, a histogram of the
 * last minute.
 */
import { TimeChart } from './charts.js';
import { el, setText } from './dom.js';
import { count, duration } from './words.js';

const HISTOGRAM_SECONDS = 60;

export class LatencyPanel {
  element;
  #bounds;
  #seconds = [];
  #chart = new TimeChart({
    title: 'last 15 min, the worst of each second or ten',
    names: ['p50', 'p99'],
    height: 150,
    windowMs: 900_000,
    isLog: true,
    tones: undefined,
    write: duration,
  });
  #figures = ['p50', 'p99', 'max'].map((name) => ({ name, text: el('b') }));
  #note = el('p', { class: 'hint' });
  #bars;
  #histogram;

  constructor(boundsMs, space) {
    this.#bounds = boundsMs;
    this.#bars = [...boundsMs, Infinity].map(() => el('span', { class: 'bar' }, el('i')));
    this.#histogram = el('div', { class: 'bars', role: 'img' }, ...this.#bars);
    const scale = el(
      'div',
      { class: 'scale', 'aria-hidden': 'true' },
      ...[...boundsMs, Infinity].map((bound, index) =>
        el('span', {}, index % 3 === 1 ? axisText(bound) : ''),
      ),
    );
    this.element = el(
      'section',
      { class: 'card latency', 'aria-label': `${space}: update latency` },
      el('header', {}, el('h3', {}, 'Update latency'), this.#note),
      el(
        'p',
        { class: 'figures' },
        ...this.#figures.map(({ name, text }) => el('span', {}, el('span', {}, name), text)),
      ),
      this.#chart.element,
      el(
        'figure',
        { class: 'chart' },
        el(
          'figcaption',
          {},
          el('span', { class: 'title' }, `last ${HISTOGRAM_SECONDS} s, updates by latency`),
        ),
        this.#histogram,
        scale,
      ),
    );
    this.#chart.add([]);
  }

  reset() {
    this.#seconds = [];
    this.#chart.reset();
  }

  add(seconds) {
    this.#seconds.push(...seconds);
    this.#seconds.splice(0, this.#seconds.length - 200);
    this.#chart.add(
      seconds.map(({ at, p50Ms, p99Ms }) => ({ at, values: floor({ p50: p50Ms, p99: p99Ms }) })),
    );
  }

  draw(wallMs, offsetMs, isOwner) {
    this.#chart.draw(wallMs, offsetMs);
    const recent = this.#seconds.slice(-HISTOGRAM_SECONDS);
    const last = recent.findLast((second) => second.count > 0);
    const isNow = last !== undefined && last === recent.at(-1);
    for (const { name, text } of this.#figures)
      setText(text, isNow ? figure(last[`${name}Ms`], last.errorMs) : '–');
    const errors = recent.map(({ errorMs }) => errorMs ?? 0);
    const total = recent.reduce((sum, second) => sum + second.count, 0);
    const nothing = isOwner
      ? 'this process is the owner: a set is visible here at once'
      : 'no update came in the last minute';
    setText(
      this.#note,
      total === 0
        ? nothing
        : `set to visible, ± ${duration(Math.max(...errors))}, ${count(last && isNow ? last.count : 0)} updates/s`,
    );
    this.#drawHistogram(recent, total);
  }

  #drawHistogram(recent, total) {
    const sums = this.#bars.map((_, index) => recent.reduce((sum, { buckets }) => sum + buckets[index], 0));
    const most = Math.max(...sums, 1);
    for (const [index, bar] of this.#bars.entries()) {
      bar.firstElementChild.style.height = `${(sums[index] / most) * 100}%`;
      bar.title = `${rangeText(this.#bounds, index)}: ${count(sums[index])}`;
    }
    const fullest = sums.indexOf(Math.max(...sums));
    const label =
      total === 0
        ? 'Histogram of update latency: no updates.'
        : `Histogram of update latency, ${count(total)} updates; most of them ${rangeText(this.#bounds, fullest)}.`;
    if (this.#histogram.getAttribute('aria-label') !== label)
      this.#histogram.setAttribute('aria-label', label);
  }
}

/** A latency that is below the error of its measurement is no figure: all that is known is what it is below. */
function figure(ms, errorMs) {
  return ms <= errorMs ? `under ${duration(ms + errorMs)}` : duration(ms);
}

/** A log scale has no zero. */
function floor(values) {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, value === null ? null : Math.max(value, 0.01)]),
  );
}

function axisText(ms) {
  if (!Number.isFinite(ms)) return 'more';
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}

function rangeText(bounds, index) {
  if (index === bounds.length) return `over ${axisText(bounds.at(-1))}`;
  return index === 0
    ? `up to ${axisText(bounds[0])}`
    : `${axisText(bounds[index - 1])} to ${axisText(bounds[index])}`;
}
