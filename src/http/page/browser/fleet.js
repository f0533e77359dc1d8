/** All processes: who is gone, silent, stale or behind stands first. It is asked for while the page is in contact. */
import { el, setText, tone } from './dom.js';
import { clockTime, count, duration } from './words.js';

const EVERY_MS = 2_000;
/** The most that a person can look at. */
const MOST = 40;
const COLUMNS = [
  'Standing',
  'For',
  'Space',
  'Role',
  'Process',
  'Host and pid',
  'Version',
  'Mode',
  'Readings',
  'Behind',
  'Heard',
  'Head',
  'What happened last',
];
const TONES = { well: 'good', degraded: 'warn', replaced: 'none', stopped: 'none' };
const MARKS = { good: '✓', warn: '!', bad: '✕', none: '·' };

export class FleetView {
  #section;
  #note;
  #body = el('tbody');
  /** By process and space. */
  #rows = new Map();
  #askedAt = -Infinity;
  #isAsking = false;

  /** @param {HTMLElement} section */
  constructor(section) {
    this.#section = section;
    this.#note = el('p', { class: 'hint', role: 'status' });
    section.append(
      el('header', {}, el('h2', { id: 'fleet-title' }, 'Fleet'), this.#note),
      el(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Participants of all processes' },
        el(
          'table',
          {},
          el('caption', { class: 'unseen' }, 'Owners, standbys and followers of all processes, worst first'),
          el('thead', {}, el('tr', {}, ...COLUMNS.map((name) => el('th', { scope: 'col' }, name)))),
          this.#body,
        ),
      ),
    );
  }

  /** The page is in contact. */
  async look(now = performance.now()) {
    if (this.#isAsking || document.hidden || now - this.#askedAt < EVERY_MS) return;
    this.#isAsking = true;
    this.#askedAt = now;
    try {
      const response = await fetch(`fleet?partial&limit=${MOST}`);
      if (response.ok) this.#show(await response.json());
      else setText(this.#note, 'The fleet cannot be asked.');
    } catch {
      // The page says that it has no contact.
    }
    this.#isAsking = false;
  }

  #show({ at, counts, members, others, registration, problem }) {
    this.#section.hidden = false;
    setText(this.#note, noteOf({ counts, others, registration, problem }));
    const shown = new Set();
    for (const [index, member] of members.entries()) {
      const key = `${member.processId} ${member.role} ${member.space}`;
      shown.add(key);
      const row = this.#rows.get(key) ?? newRow();
      this.#rows.set(key, row);
      if (this.#body.children[index] !== row.line)
        this.#body.insertBefore(row.line, this.#body.children[index] ?? null);
      fill(row, member, at);
    }
    for (const [key, { line }] of this.#rows) {
      if (shown.has(key)) continue;
      line.remove();
      this.#rows.delete(key);
    }
  }
}

function noteOf({ counts, others, registration, problem }) {
  const wrong = Object.entries(counts).filter(([standing, n]) => n > 0 && toneOf(standing) !== 'none');
  const parts = [wrong.map(([standing, n]) => `${count(n)} ${standing}`).join(', ')];
  if (problem) parts.unshift(`Redis cannot be asked for the other processes: ${problem.detail}`);
  if (others.count > 0) {
    const state = others.notWell === 0 ? '' : `, ${count(others.notWell)} of them not well`;
    parts.push(`${count(others.count)} more are not shown${state}`);
  }
  if (registration === 'unregistered') parts.push('this process may not register, so others do not see it');
  return `${parts.filter((part) => part !== '').join('; ')}. Times are by the clock of Redis.`;
}

function toneOf(standing) {
  return TONES[standing] ?? 'bad';
}

function newRow() {
  const mark = el('span', { class: 'mark', 'aria-hidden': 'true' });
  const word = el('span');
  const last = el('summary');
  const list = el('ol');
  const details = el('details', {}, last, list);
  const cells = COLUMNS.slice(1, -1).map(() => el('td'));
  const line = el('tr', {}, el('th', { scope: 'row' }, mark, word), ...cells, el('td', {}, details));
  return { line, mark, word, cells, details, last, list, happened: undefined };
}

function fill(row, member, at) {
  const { standing, space, role, name, host, pid, version, mode, freshness, behind, ageMs, head } = member;
  const kind = toneOf(standing);
  tone(row.line, kind);
  setText(row.mark, MARKS[kind]);
  setText(row.word, standing);
  const texts = [
    duration(at - member.since),
    space,
    role,
    name,
    `${host}, ${pid}`,
    version,
    mode,
    freshness,
    behind === null ? '–' : count(behind),
    ageMs === 0 ? 'now' : duration(ageMs),
    head.slice(head.indexOf('-') + 1),
  ];
  for (const [index, text] of texts.entries()) setText(row.cells[index], text);
  row.cells[0].title = `since ${new Date(member.since).toISOString()}`;
  row.cells[6].title = member.reason;
  row.cells[10].title = head;
  showTransitions(row, member.transitions, at);
}

function showTransitions(row, transitions, at) {
  const happened = transitions.map((one) => `${one.at} ${one.kind} ${one.to}`).join();
  if (row.happened === happened) return;
  row.happened = happened;
  const texts = transitions.map((one) => wordsOf(one, at)).toReversed();
  row.details.hidden = texts.length === 0;
  setText(row.last, texts[0] ?? '');
  row.list.replaceChildren(...texts.slice(1).map((text) => el('li', {}, text)));
}

function wordsOf({ kind, from, to, reason, at }, now) {
  return `${clockTime(at, now)} ${kind} ${from} → ${to}${reason === '' ? '' : `: ${reason}`}`;
}
