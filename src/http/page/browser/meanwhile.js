/** What changed during a span of the timeline: of each key the value before it and the last one in it. */
import { el, setText } from './dom.js';
import { clockTime, count } from './words.js';

/** Each key is one more request. */
const MAX_KEYS = 12;
const MAX_CHANGES = 1_000;
const MAX_TEXT = 80;

export class Meanwhile {
  #element;
  #note = el('p', { class: 'hint' });
  #body = el('tbody');
  #table = el(
    'table',
    { hidden: '' },
    el('thead', {}, el('tr', {}, ...['Key', 'Changes', 'Before', 'Last'].map(heading))),
    this.#body,
  );
  /** Counts the calls: an answer to an earlier one is not shown. */
  #calls = 0;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    element.append(el('h2', {}, 'Changed meanwhile'), this.#note, this.#table);
  }

  hide() {
    this.#calls += 1;
    this.#element.hidden = true;
  }

  /** @param span of the timeline of a space, with its end where it has one */
  async show(space, { at, until = Date.now() }) {
    const call = ++this.#calls;
    this.#element.hidden = false;
    this.#table.hidden = true;
    setText(this.#note, `${space}: looking into its history…`);
    const { note, rows } = await changesOf(space, Math.floor(at), Math.ceil(until)).catch((error) => ({
      note: `${space}: ${error.message}`,
      rows: [],
    }));
    if (call !== this.#calls) return;
    setText(this.#note, note);
    this.#table.hidden = rows.length === 0;
    this.#body.replaceChildren(...rows.map(rowOf));
  }
}

function heading(name) {
  return el('th', { scope: 'col' }, name);
}

function rowOf({ key, changes, before, last }) {
  return el(
    'tr',
    {},
    el('th', { scope: 'row' }, key),
    el('td', {}, changes),
    el('td', { class: 'value' }, before),
    el('td', { class: 'value' }, last),
  );
}

async function changesOf(space, from, to) {
  const { changes, hasMore, knownFrom } = await history(space, { from, to, limit: MAX_CHANGES });
  const span = `between ${clockTime(from, Date.now())} and ${clockTime(to, Date.now())}`;
  const keys = new Map();
  for (const change of changes) {
    const one = keys.get(change.key);
    if (one === undefined) keys.set(change.key, { key: change.key, changes: 1, last: textOf(change) });
    else one.changes += 1;
  }
  const shown = [...keys.values()].slice(0, MAX_KEYS);
  const rows = await Promise.all(
    shown.map(async (one) => {
      const {
        changes: [before],
      } = await history(space, { key: one.key, to: from - 1, limit: 1 });
      return { ...one, changes: count(one.changes), before: before ? textOf(before) : 'not known' };
    }),
  );
  const more = hasMore ? ` Only the last ${count(MAX_CHANGES)} are counted.` : '';
  const others =
    keys.size > shown.length ? ` ${count(keys.size - shown.length)} more keys are not shown.` : '';
  const what =
    keys.size === 0
      ? 'no change is known'
      : `${count(keys.size)} ${keys.size === 1 ? 'key' : 'keys'} changed`;
  return {
    note: `${space}: ${what} ${span}, by the clock of Redis.${more}${others}${lacking(knownFrom, from)}`,
    rows,
  };
}

/** What the history does not have of the span. */
function lacking(knownFrom, from) {
  if (knownFrom === null) return ' The present owner keeps no history, so changes may be missing.';
  return knownFrom > from ? ` Nothing from before ${clockTime(knownFrom, Date.now())} is kept.` : '';
}

async function history(space, query) {
  const response = await fetch(`spaces/${encodeURIComponent(space)}/history?${new URLSearchParams(query)}`);
  const body = await response.json().catch(() => undefined);
  if (response.ok) return body;
  if (body?.code === 'HISTORY_OFF')
    throw new Error('its owner keeps no history, so nobody knows. With own(space, { history }) it does.');
  throw new Error(body?.detail ?? body?.message ?? `the history cannot be read: HTTP ${response.status}.`);
}

function textOf({ value, raw, deleted }) {
  const text = deleted ? 'deleted' : (raw ?? JSON.stringify(value));
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
