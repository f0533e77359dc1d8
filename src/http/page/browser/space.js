/** One space on the page: its diagnosis, its facts, its charts and its keys. */
import { TimeChart } from './charts.js';
import { drawMachine } from './diagram.js';
import { el, setText, svg, tone } from './dom.js';
import { lampsOf } from './lamps.js';
import { LatencyPanel } from './latency.js';
import { timeLink } from './log.js';
import { StateTable } from './table.js';
import { TimelineView } from './timeline.js';
import { clockTime, count, duration, modeTone, seconds, stateName } from './words.js';

const SHOWN_TRANSITIONS = 6;
const FACTS = ['Mode', 'Position', 'Freshness', 'Proven', 'Source', 'Owner', 'Lease', 'Keys', 'Waiting'];
const MARKS = { good: '✓', warn: '!', bad: '✕', none: '·' };
const SOURCES = { redis: 'Redis', direct: 'the owner, directly', memory: 'memory alone' };

export class SpaceView {
  element;
  #hello;
  #name;
  #status;
  #transitions = [];
  #table;
  #latency;
  #charts;
  #timeline;
  #summary = el('p', { class: 'summary', role: 'status' });
  #since = el('p', { class: 'since' });
  #next = el('p', { class: 'next' }, el('span'), ' ', el('a', {}));
  #lamps = { redis: lamp('Redis'), owner: lamp('Owner'), us: lamp('This process') };
  #facts = Object.fromEntries(FACTS.map((name) => [name, el('dd')]));
  #list = el('ol', { class: 'transitions' });
  #drawing = svg('svg', { class: 'machine', role: 'img' });
  #drawnAs = '';
  #width = 0;

  constructor(name, hello) {
    this.#name = name;
    this.#hello = hello;
    this.#table = new StateTable(name);
    this.#timeline = new TimelineView(name);
    this.#latency = new LatencyPanel(hello.boundsMs, name);
    this.#charts = new Map(
      hello.charts.flatMap((chart, index) =>
        chart.space === name ? [[index, new TimeChart({ ...chart, height: index === 0 ? 230 : 170 })]] : [],
      ),
    );
    const holder = el('div', { class: 'drawing' }, this.#drawing);
    new ResizeObserver(([entry]) => {
      this.#width = Math.floor(entry.contentRect.width);
      this.#drawnAs = '';
      this.#drawMachine();
    }).observe(holder);
    this.element = this.#build(holder);
  }

  #build(holder) {
    const id = `space-${this.#name}`;
    const name = this.#name;
    const charts = [...this.#charts].map(([number, { element }], index) =>
      el(
        'section',
        {
          class: `card chart-card${index === 0 ? ' wide' : ''}`,
          'aria-label': `${name}: ${this.#hello.charts[number].title}`,
        },
        element,
      ),
    );
    return el(
      'article',
      { class: 'space', id, 'aria-labelledby': `${id}-title` },
      el(
        'section',
        { class: 'verdict', 'aria-label': `${name}: diagnosis` },
        el(
          'div',
          { class: 'headline' },
          el('h2', { id: `${id}-title` }, name),
          this.#summary,
          this.#since,
          this.#next,
        ),
        el(
          'ul',
          { class: 'lamps', 'aria-label': `${name}: is it Redis, the owner, or us?` },
          ...Object.values(this.#lamps).map(({ element }) => element),
        ),
      ),
      el(
        'div',
        { class: 'grid' },
        this.#timeline.element,
        el(
          'section',
          { class: 'card connection', 'aria-label': `${name}: connection` },
          el('header', {}, el('h3', {}, 'Connection')),
          holder,
          el('h4', {}, 'Last transitions'),
          this.#list,
        ),
        el(
          'section',
          { class: 'card facts', 'aria-label': `${name}: now` },
          el('header', {}, el('h3', {}, 'Now')),
          el('dl', {}, ...FACTS.map((name) => el('div', {}, el('dt', {}, name), this.#facts[name]))),
        ),
        this.#latency.element,
        ...charts,
        this.#table.element,
      ),
    );
  }

  /** The timeline of the process. */
  timeline(news) {
    this.#timeline.update(news);
  }

  /** The span of a moment. */
  at(moment) {
    return this.#timeline.at(moment);
  }

  mark(moment) {
    this.#timeline.mark(moment);
  }

  get tone() {
    return this.#status?.culprit === 'nobody' ? 'good' : this.#status?.freshness === 'live' ? 'warn' : 'bad';
  }

  /** A new connection sends transitions, latencies and points from the beginning. */
  reset() {
    this.#transitions = [];
    this.#latency.reset();
    for (const chart of this.#charts.values()) chart.reset();
  }

  /** The connection is lost, so nothing here may look live. */
  lost(wallMs) {
    if (this.#status) this.#timeline.lost(wallMs);
    setText(this.#summary, 'Not known now: no contact with this process. Below is the last known state.');
    setText(this.#since, '');
    this.#showNext('no-contact', 'Look whether that process runs.');
    for (const one of Object.values(this.#lamps)) set(one, 'none', 'not known', '');
    for (const name of ['Mode', 'Freshness', 'Proven', 'Owner', 'Lease', 'Waiting']) {
      setText(this.#facts[name], 'not known');
      tone(this.#facts[name], 'none');
    }
    tone(this.element, 'none');
    this.#status = undefined;
    this.#drawnAs = '';
    this.#table.status(undefined, 'unknown');
    this.#table.draw(Infinity);
  }

  rows(news, nowMs) {
    this.#table.update(news, nowMs);
  }

  seconds(list) {
    this.#latency.add(list);
  }

  points(list) {
    for (const point of list) this.#charts.get(point.chart)?.add([point]);
  }

  transitions(list) {
    for (const one of list) this.#transitions.unshift(one);
    this.#transitions.length = Math.min(this.#transitions.length, SHOWN_TRANSITIONS);
    this.#list.replaceChildren(...this.#transitions.map((one) => transitionItem(one, this.#name)));
  }

  /** @param status as the process sends it; `delayMs`: the delay of the process's own timers */
  status(status, delayMs) {
    this.#status = status;
    setText(this.#summary, status.summary);
    this.#showNext(status.headline, status.next);
    tone(this.element, this.tone);
    this.element.toggleAttribute('data-stale', status.freshness !== 'live');
    this.#table.status(status.keys, status.freshness);
    this.#drawLamps(status, delayMs);
    this.#drawFacts(status);
    this.#drawMachine();
  }

  /** Draws charts and tables; called at most once a frame of the screen. */
  draw(wallMs, offsetMs) {
    const isOwner = this.#status?.role === 'owner';
    this.#latency.draw(wallMs, offsetMs, isOwner);
    for (const chart of this.#charts.values()) chart.draw(wallMs, offsetMs);
    this.#table.draw();
    this.#timeline.draw(wallMs);
    if (!this.#status) return;
    setText(this.#facts.Mode, this.#modeText(wallMs));
    const { since, waiting } = this.#status;
    if (since !== null)
      setText(this.#since, `since ${clockTime(since, wallMs)}, for ${seconds(Math.max(0, wallMs - since))}`);
    if (this.#status.role === 'owner') setText(this.#facts.Waiting, waitingText(waiting, wallMs));
  }

  /** What to do first, and the section of the runbook: this process serves it. */
  #showNext(headline, text) {
    const [words, , link] = this.#next.childNodes;
    this.#next.hidden = text === '';
    setText(words, text);
    setText(link, `What to check: ${headline}`);
    const href = `page/on-call.html#${headline}`;
    if (link.getAttribute('href') !== href) link.setAttribute('href', href);
  }

  /** Of many spaces, the process no longer knows each last transition. */
  #modeText(wallMs) {
    const name = stateName(this.#status.state);
    const [last] = this.#transitions;
    return last ? `${name}, for ${seconds(Math.max(0, wallMs - last.at))}` : name;
  }

  #drawLamps(status, delayMs) {
    for (const [name, lamp] of Object.entries(lampsOf(status, delayMs))) set(this.#lamps[name], ...lamp);
  }

  #drawFacts(status) {
    const { position, freshness, staleMs, source, ownerAlive, owner, ownerName, leaseMs, keys, role } =
      status;
    const facts = this.#facts;
    setText(facts.Position, position);
    setText(facts.Freshness, freshness);
    tone(facts.Freshness, freshness === 'live' ? 'good' : 'bad');
    setText(facts.Proven, provenText(staleMs, position));
    setText(facts.Source, SOURCES[source] ?? source);
    const heard = freshness === 'live' ? 'alive' : 'its lease still runs';
    const words = {
      alive: heard,
      released: 'has released the space',
      lost: 'no sign of life',
      never: 'nobody yet',
    };
    const who = ownerName === null ? '' : `${ownerName}: `;
    setText(facts.Owner, role === 'owner' ? `this process, ${status.ownership}` : `${who}${words[owner]}`);
    tone(facts.Owner, ownerAlive ? (freshness === 'live' ? 'good' : 'warn') : 'bad');
    const noLease = owner === 'released' ? 'given up' : 'run out, or not known';
    setText(facts.Lease, leaseMs > 0 ? `held, ${duration(leaseMs)} left` : noLease);
    setText(facts.Keys, count(keys));
    facts.Waiting.parentElement.hidden = role !== 'owner';
    tone(facts.Waiting, status.waiting === null ? 'good' : 'bad');
  }

  #drawMachine() {
    if (!this.#status || this.#width === 0) return;
    const { state } = this.#status;
    const last = this.#transitions.find(({ from }) => from !== '');
    // A connection to Redis is worth little while nobody writes there.
    const isWell = this.#status.culprit === 'nobody';
    const light = modeTone(state) === 'good' && !isWell ? 'warn' : modeTone(state);
    const as = `${state} ${light} ${last?.from} ${last?.to} ${this.#width}`;
    if (as === this.#drawnAs) return;
    this.#drawnAs = as;
    drawMachine(this.#drawing, this.#hello.machine, state, last, this.#width, light);
  }
}

/** A space that nobody ever owned was never proven. */
function provenText(staleMs, position) {
  if (staleMs === null || position === '0-0') return 'never';
  return `${staleMs < 1_000 ? `${staleMs} ms` : seconds(staleMs)} ago`;
}

/** Redis takes what was set within milliseconds: only what waits for longer is said. */
function waitingText(waiting, wallMs) {
  if (waiting === null) return 'nothing';
  const { changes, since } = waiting;
  const what = changes === 1 ? '1 change' : `${count(changes)} changes`;
  return `${what} since ${clockTime(since, wallMs)}, for ${seconds(Math.max(0, wallMs - since))}`;
}

function transitionItem({ at, from, to, reason }, space) {
  return el(
    'li',
    { 'data-tone': modeTone(to) },
    timeLink(at, space),
    el('span', { class: 'move' }, from === '' ? stateName(to) : `${stateName(from)} → ${stateName(to)}`),
    el('span', { class: 'why' }, reason),
  );
}

function lamp(name) {
  const mark = el('span', { class: 'mark', 'aria-hidden': 'true' }, '·');
  const word = el('strong', {}, '–');
  const detail = el('span', { class: 'detail' });
  const element = el('li', { 'data-tone': 'none' }, mark, el('span', { class: 'who' }, name), word, detail);
  return { element, mark, word, detail };
}

function set({ element, mark, word, detail }, name, text, more) {
  tone(element, name);
  setText(mark, MARKS[name]);
  setText(word, text);
  setText(detail, more);
}
