/** A moment that a link leads to: what each space was like then, and what happened around it. */
import { el, setText } from './dom.js';
import { clockTime, duration, headlineName, zoneName } from './words.js';

const AROUND_MS = 30_000;
const PATTERN = /^#(?:space-(.+))?@(\d{4}-\d\d-\d\dT[\d:.]+Z)$/;

/** The address of a moment on this page. Times are in UTC, so that it means the same to everybody. */
export function momentHref(space, wallMs) {
  return `#${space ? `space-${encodeURIComponent(space)}` : ''}@${new Date(wallMs).toISOString()}`;
}

/** The moment of an address; `undefined` where it has none. */
function momentIn(hash) {
  const found = PATTERN.exec(hash);
  const at = found ? Date.parse(found[2]) : NaN;
  return Number.isNaN(at) ? undefined : { at, space: found[1] && decodeURIComponent(found[1]) };
}

export class Moment {
  #element;
  #views;
  #log;
  #meanwhile;
  #shown;
  #isNew = false;
  /** Whether the changes of the moment's span are shown, or there is no such span. */
  #isAsked = false;

  /**
   * @param {HTMLElement} element
   * @param views the view of each space, by its name
   * @param {HTMLElement} log the list of events, each with its time in `data-at`
   * @param meanwhile shows what changed in a span
   */
  constructor(element, views, log, meanwhile) {
    this.#element = element;
    this.#views = views;
    this.#log = log;
    this.#meanwhile = meanwhile;
    addEventListener('hashchange', () => this.#read());
    this.#read();
  }

  #read() {
    this.#shown = momentIn(location.hash);
    this.#isNew = this.#shown !== undefined;
    this.#isAsked = false;
    this.#meanwhile.hide();
    if (this.#shown === undefined) this.#hide();
    else this.draw(Date.now());
  }

  /** @param wallMs the time of the process */
  draw(wallMs) {
    if (this.#shown === undefined || this.#views.size === 0) return;
    const { at, space } = this.#shown;
    for (const view of this.#views.values()) view.mark(at);
    const around = this.#markEvents(at);
    const spaces = [...this.#views].filter(([name]) => space === undefined || name === space);
    const lines = spaces.map(([name, view]) => `${name}: ${lineOf(view.at(at), wallMs)}`);
    const events =
      around === 0 ? 'No event that is still known.' : `${around} events within 30 s of it are marked.`;
    const texts = [`At ${clockTime(at, wallMs, true)} (${zoneName()})`, ...lines, events];
    this.#element.hidden = false;
    if (this.#element.children.length !== texts.length + 1)
      this.#element.replaceChildren(
        ...texts.map((_, n) => el(n === 0 ? 'strong' : 'span')),
        el('a', { href: '#' }, 'Back to now'),
      );
    for (const [n, text] of texts.entries()) setText(this.#element.children[n], text);
    if (!this.#isAsked) this.#showChanges(spaces, at);
    if (!this.#isNew) return;
    this.#isNew = false;
    this.#element.scrollIntoView({ block: 'nearest' });
    const first = this.#log.querySelector('[data-around]');
    if (first) this.#log.scrollTop = first.offsetTop;
  }

  /** Of one space, and of a span in which something was wrong. The timeline may come after the first drawing. */
  #showChanges(spaces, at) {
    const [space] = spaces;
    const span = spaces.length === 1 ? space[1].at(at) : undefined;
    if (span === undefined) return;
    this.#isAsked = true;
    if (span.headline !== 'all-well') void this.#meanwhile.show(space[0], span);
  }

  #markEvents(at) {
    let count = 0;
    for (const item of this.#log.children) {
      const isAround = Math.abs(Number(item.dataset.at) - at) <= AROUND_MS;
      item.toggleAttribute('data-around', isAround);
      count += isAround ? 1 : 0;
    }
    return count;
  }

  #hide() {
    this.#element.hidden = true;
    for (const view of this.#views.values()) view.mark(undefined);
    for (const item of this.#log.children) item.removeAttribute('data-around');
  }
}

function lineOf(span, wallMs) {
  if (span === undefined) return 'this process was not there yet';
  const { at, until, headline, merged, outages, freshness } = span;
  const lasted =
    until === undefined
      ? `for ${duration(wallMs - at)} so far`
      : `until ${clockTime(until, wallMs)}, for ${duration(until - at)}`;
  const what =
    merged > 1 ? `${outages} outages, the worst: ${headlineName(headline)}` : headlineName(headline);
  return `${what}, ${freshness}, from ${clockTime(at, wallMs)} ${lasted}`;
}
