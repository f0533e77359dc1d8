/** One space on the page: its diagnosis, its facts, its charts and its keys. */
import { TimeChart } from './charts.js';
import { drawMachine } from './diagram.js';
import { el, setText, svg, tone } from './dom.js';
import { lampsOf } from './lamps.js';
import { LatencyPanel } from './latency.js';
import { StateTable } from './table.js';
import { count, duration, fineTime, modeTone, seconds, stateName } from './words.js';

const SHOWN_TRANSITIONS = 6;
const FACTS = ['Mode', 'Position', 'Freshness', 'Proven', 'Source', 'Owner', 'Lease', 'Keys'];
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
  #summary = el('p', { class: 'summary', role: 'status' });
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
    const charts = [...this.#charts.values()].map(({ element }, index) =>
      el(
        'section',
        { class: `card chart-card${index === 0 ? ' wide' : ''}`, 'aria-label': 'Chart of the state' },
        element,
      ),
    );
    return el(
      'article',
      { class: 'space', id, 'aria-labelledby': `${id}-title` },
      el(
        'section',
        { class: 'verdict', 'aria-labelledby': `${id}-title` },
        el('div', { class: 'headline' }, el('h2', { id: `${id}-title` }, this.#name), this.#summary),
        el(
          'ul',
          { class: 'lamps', 'aria-label': 'Is it Redis, the owner, or us?' },
          ...Object.values(this.#lamps).map(({ element }) => element),
        ),
      ),
      el(
        'div',
        { class: 'grid' },
        el(
          'section',
          { class: 'card connection', 'aria-labelledby': `${id}-connection` },
          el('header', {}, el('h3', { id: `${id}-connection` }, 'Connection')),
          holder,
          el('h4', {}, 'Last transitions'),
          this.#list,
        ),
        el(
          'section',
          { class: 'card facts', 'aria-labelledby': `${id}-facts` },
          el('header', {}, el('h3', { id: `${id}-facts` }, 'Now')),
          el('dl', {}, ...FACTS.map((name) => el('div', {}, el('dt', {}, name), this.#facts[name]))),
        ),
        this.#latency.element,
        ...charts,
        this.#table.element,
      ),
    );
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
  lost() {
    setText(this.#summary, 'Not known now: no contact with this process. Below is the last known state.');
    for (const one of Object.values(this.#lamps)) set(one, 'none', 'not known', '');
    for (const name of ['Freshness', 'Proven', 'Owner', 'Lease']) {
      setText(this.#facts[name], 'not known');
      tone(this.#facts[name], 'none');
    }
    tone(this.element, 'none');
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
    this.#list.replaceChildren(...this.#transitions.map(transitionItem));
  }

  /** @param status as the process sends it; `delayMs`: the delay of the process's own timers */
  status(status, delayMs) {
    this.#status = status;
    setText(this.#summary, status.summary);
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
    if (this.#status) setText(this.#facts.Mode, this.#modeText(wallMs));
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

  #drawFacts({ position, freshness, staleMs, source, ownerAlive, owner, leaseMs, keys, role, ownership }) {
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
    setText(facts.Owner, role === 'owner' ? `this process, ${ownership}` : words[owner]);
    tone(facts.Owner, ownerAlive ? (freshness === 'live' ? 'good' : 'warn') : 'bad');
    const noLease = owner === 'released' ? 'given up' : 'run out, or not known';
    setText(facts.Lease, leaseMs > 0 ? `held, ${duration(leaseMs)} left` : noLease);
    setText(facts.Keys, count(keys));
  }

  #drawMachine() {
    if (!this.#status || this.#width === 0) return;
    const { state } = this.#status;
    const last = this.#transitions.find(({ from }) => from !== '');
    const as = `${state} ${last?.from} ${last?.to} ${this.#width}`;
    if (as === this.#drawnAs) return;
    this.#drawnAs = as;
    drawMachine(this.#drawing, this.#hello.machine, state, last, this.#width);
  }
}

/** A space that nobody ever owned was never proven. */
function provenText(staleMs, position) {
  if (staleMs === null || position === '0-0') return 'never';
  return `${staleMs < 1_000 ? `${staleMs} ms` : seconds(staleMs)} ago`;
}

function transitionItem({ at, from, to, reason }) {
  return el(
    'li',
    { 'data-tone': modeTone(to) },
    el('time', {}, fineTime(at)),
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
