/** Lines over time, with words as bands behind them: a wrapper of uPlot in this page's colours. */
import uPlot from './uPlot.js';
import { el, setText } from './dom.js';
import { number, timeOfDay } from './words.js';

const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];
const COLOURS = 6;
const MAX_POINTS = 2_000;

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Older points are thinned to one in so many ms, but a hole is kept. */
const FINE_MS = 60_000;
const SPARSE_MS = 2_000;

/** All charts, since each is rebuilt when the colour scheme changes. */
const drawn = new Set();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of drawn) chart.rebuild();
});

export class TimeChart {
  element;
  #options;
  #plot;
  #names = [];
  #points = [];
  #holder = el('div', { class: 'plot', 'aria-hidden': 'true' });
  #legend = el('ul', { class: 'legend' });
  #words = el('p', { class: 'unseen' });
  #width = 0;
  #nowSeconds = Date.now() / 1_000;
  #offsetMs = 0;

  /** @param options title, windowMs, height, format, isLog, tones; write: turns a number into text */
  constructor(options) {
    this.#options = {
      height: 180,
      windowMs: 900_000,
      tones: {},
      write: (value) => number(value, options.format),
      ...options,
    };
    this.element = el(
      'figure',
      { class: 'chart' },
      el('figcaption', {}, el('span', { class: 'title' }, options.title), this.#legend),
      this.#holder,
      this.#words,
    );
    new ResizeObserver(([entry]) => this.#resized(Math.floor(entry.contentRect.width))).observe(this.#holder);
    drawn.add(this);
  }

  /**
   * @param points each with its time on the process's clock, values by name, and optionally a band and a
   *   label
   */
  add(points) {
    for (const point of points) this.#points.push(point);
    if (this.#points.length > MAX_POINTS) this.#points = thinned(this.#points, this.#options.windowMs);
    const names = this.#options.names ?? [
      ...new Set([...this.#names, ...points.flatMap(({ values }) => Object.keys(values))]),
    ];
    if (names.length !== this.#names.length) {
      this.#names = names;
      this.rebuild();
    }
  }

  reset() {
    this.#points = [];
  }

  /**
   * @param offsetMs this browser's time less the process's. Each message gives a new offset, and messages may
   *   be late: with one offset a point, the points could get out of order. So all points use the last one.
   */
  draw(wallMs, offsetMs) {
    if (!this.#plot) return;
    this.#nowSeconds = wallMs / 1_000;
    this.#offsetMs = offsetMs;
    const from = wallMs - this.#options.windowMs - 2_000;
    const shown = this.#points.filter(({ at }) => at + offsetMs >= from);
    this.#plot.setData([
      shown.map(({ at }) => this.#secondsOf(at)),
      ...this.#names.map((name) => shown.map(({ values }) => values[name] ?? null)),
    ]);
    // Without a point, the chart would keep the times of its first drawing.
    if (shown.length === 0) {
      const [min, max] = this.#span(this.#options.windowMs / 1_000);
      this.#plot.setScale('x', { min, max });
    }
    this.#describe(shown);
  }

  rebuild() {
    this.#plot?.destroy();
    this.#plot = undefined;
    if (this.#width === 0 || this.#names.length === 0) return;
    this.#plot = new uPlot(this.#configuration(), [[], ...this.#names.map(() => [])], this.#holder);
    this.#legend.replaceChildren(...this.#names.map((name, index) => legendItem(name, index)));
  }

  #resized(width) {
    if (width === this.#width) return;
    const isFirst = this.#width === 0;
    this.#width = width;
    if (isFirst) this.rebuild();
    else this.#plot?.setSize({ width, height: this.#options.height });
  }

  /** Puts each line's last value into the legend, and all of them into a text for screen readers. */
  #describe(shown) {
    const last = shown.at(-1);
    const texts = this.#names.map((name, index) => {
      const value = last?.values[name];
      const text = value === undefined || value === null ? '–' : this.#options.write(value);
      const item = this.#legend.children[index]?.lastElementChild;
      if (item) setText(item, text);
      return `${name} ${text}`;
    });
    setText(this.#words, `${texts.join(', ')}${last?.band ? `; ${last.band}` : ''}`);
  }

  #configuration() {
    const { height, windowMs, isLog, write } = this.#options;
    const [ink, line] = [colour('muted'), colour('line')];
    const font = `11px ${getComputedStyle(document.body).fontFamily}`;
    const axis = { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    return {
      width: this.#width,
      height,
      padding: [this.#options.tones && 16, 8, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      select: { show: false },
      scales: {
        x: { time: true, range: () => this.#span(windowMs / 1_000) },
        y: isLog
          ? { distr: 3, range: (_, min, max) => logRange(min, max) }
          : { range: (_, min, max) => linearRange(min, max) },
      },
      axes: [
        { ...axis, size: 26, space: 90, values: (_, splits) => splits.map((split) => this.#labelAt(split)) },
        {
          ...axis,
          size: 62,
          space: 34,
          grid: isLog ? { ...axis.grid, filter: decadesOf } : axis.grid,
          values: (_, splits) => splits.map((split) => (split === null ? '' : write(split))),
        },
      ],
      series: [{}, ...this.#names.map((_, index) => this.#series(index))],
      hooks: { drawClear: [(plot) => this.#drawBands(plot, font)] },
    };
  }

  /**
   * The whole window, or the time since the first point while that is shorter, but at least a sixth of the
   * window.
   */
  #span(windowSeconds) {
    const now = this.#nowSeconds;
    const first = this.#points[0];
    const age = first ? now - this.#secondsOf(first.at) : 0;
    return [now - Math.min(windowSeconds, Math.max(age, windowSeconds / 6)), now];
  }

  #series(index) {
    return {
      stroke: colour(`line-${(index % COLOURS) + 1}`),
      width: 1.6,
      dash: DASHES[index % DASHES.length],
      points: { show: false },
      spanGaps: false,
    };
  }

  /** A time on the process's clock, in seconds on this browser's clock. */
  #secondsOf(at) {
    return (at + this.#offsetMs) / 1_000;
  }

  /** The state's own label of a moment, such as a date; the time of day where no point has a label. */
  #labelAt(seconds) {
    const at = seconds * 1_000 - this.#offsetMs;
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#points[middle].at < at) low = middle + 1;
      else high = middle;
    }
    const near = this.#points[low];
    if (near?.label && Math.abs(near.at - at) < 2_000) return near.label;
    return this.#points.some(({ label }) => label) ? '' : timeOfDay(seconds * 1_000);
  }

  #drawBands(plot, font) {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
    ctx.clip();
    for (const { band, from, to } of runsOf(this.#points)) {
      const tone = this.#options.tones[band] ?? 'none';
      const left = plot.valToPos(this.#secondsOf(from), 'x', true);
      const right = plot.valToPos(this.#secondsOf(to), 'x', true);
      if (right <= bbox.left || left >= bbox.left + bbox.width) continue;
      ctx.fillStyle = colour(`band-${tone}`);
      ctx.fillRect(left, bbox.top, Math.max(right - left, 1), bbox.height);
      ctx.fillStyle = colour(`band-ink-${tone}`);
      ctx.fillRect(left, bbox.top - 3 * ratio, Math.max(right - left - ratio, 1), 3 * ratio);
      ctx.font = font.replace('11px', `${10.5 * ratio}px`);
      const start = Math.max(left, bbox.left);
      if (ctx.measureText(band).width < right - start - 4 * ratio)
        ctx.fillText(band, start + 2 * ratio, bbox.top - 6 * ratio);
    }
    ctx.restore();
  }
}

/** At most as many points as the window has room for, and some that are dropped with the next call. */
function thinned(points, windowMs) {
  const now = points.at(-1).at;
  const kept = [];
  for (const point of points) {
    if (point.at < now - windowMs) continue;
    const last = kept.at(-1);
    const isFine = point.at > now - FINE_MS;
    const isSame = last && Math.floor(last.at / SPARSE_MS) === Math.floor(point.at / SPARSE_MS);
    if (isFine || !isSame) kept.push(point);
    else if (isHole(point) && !isHole(last)) kept[kept.length - 1] = point;
  }
  return kept.slice(-MAX_POINTS);
}

function isHole({ values }) {
  return Object.keys(values).length === 0;
}

function legendItem(name, index) {
  const swatch = el('span', {
    class: `swatch line-${(index % COLOURS) + 1} dash-${index % DASHES.length}`,
    'aria-hidden': 'true',
  });
  return el('li', {}, swatch, el('span', { class: 'name' }, name), el('output', { 'aria-live': 'off' }));
}

/** The runs of points with the same band. */
function runsOf(points) {
  const runs = [];
  for (const { at, band } of points) {
    const last = runs.at(-1);
    if (last) last.to = at;
    if (band && last?.band !== band) runs.push({ band, from: at, to: at });
    else if (!band && last?.band) runs.push({ band: '', from: at, to: at });
  }
  return runs.filter(({ band }) => band);
}

function linearRange(min, max) {
  if (min === null || max === null) return [0, 1];
  const room = (max - min) * 0.08 || Math.abs(max) * 0.05 || 1;
  return [min - room, max + room];
}

/** The splits of a log axis that are whole decades: grid lines at all splits would be too dense. */
function decadesOf(_, splits) {
  return splits.map((split) => (Number.isInteger(Math.round(Math.log10(split) * 1e6) / 1e6) ? split : null));
}

/** A range of whole decades, so that the axis rarely moves. */
function logRange(min, max) {
  if (!(min > 0)) return [0.1, 10];
  return [
    10 ** Math.floor(Math.log10(min)),
    10 ** Math.max(Math.ceil(Math.log10(max)), Math.floor(Math.log10(min)) + 1),
  ];
}
