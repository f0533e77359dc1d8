/** What changed during a span of the timeline: of each key the value before it and the last one in it. */
import { el, setText } from './dom.js';
import { clockTime, count, duration } from './words.js';

const MAX_KEYS = 12;
const MAX_CHANGES = 1_000;
/** What is longer is cut: all of it is in the title. */
const MAX_TEXT = 600;

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
    valueCell(before),
    valueCell(last),
  );
}

function valueCell(text) {
  const isLong = text.length > MAX_TEXT;
  return el(
    'td',
    { class: 'value', ...(isLong && { title: text }) },
    isLong ? `${text.slice(0, MAX_TEXT)}…` : text,
  );
}

async function changesOf(space, from, to) {
  const found = await history(space, { from, to, limit: MAX_CHANGES });
  const keys = new Map();
  for (const change of found.changes) {
    const one = keys.get(change.key);
    if (one === undefined) keys.set(change.key, { key: change.key, changes: 1, last: textOf(change) });
    else one.changes += 1;
  }
  const shown = [...keys.values()].slice(0, MAX_KEYS);
  const before = await valuesBefore(space, from, shown);
  const rows = shown.map((one) => ({ ...one, changes: count(one.changes), before: before.get(one.key) }));
  return { note: `${space}: ${noteOf(found, { from, to }, keys.size)}`, rows };
}

/** What the keys held before a moment: most changed a short time before it, and are found in one answer. */
async function valuesBefore(space, from, keys) {
  const values = new Map();
  if (keys.length === 0) return values;
  const earlier = await history(space, { to: from - 1, limit: MAX_CHANGES });
  for (const { key } of keys) {
    let change = earlier.changes.find((one) => one.key === key);
    if (change === undefined && earlier.hasMore)
      [change] = (await history(space, { key, to: from - 1, limit: 1 })).changes;
    values.set(key, change === undefined ? 'not known' : textOf(change));
  }
  return values;
}

function noteOf({ hasMore, knownFrom }, { from, to }, keys) {
  const now = Date.now();
  if (knownFrom > to)
    return `its history begins at ${clockTime(knownFrom, now)}, after this. Nobody knows what changed.`;
  const span = `between ${clockTime(from, now)} and ${clockTime(to, now)} (${duration(to - from)})`;
  const what = keys === 0 ? 'no key changed' : `${count(keys)} ${keys === 1 ? 'key' : 'keys'} changed`;
  const more = hasMore ? ` Only the last ${count(MAX_CHANGES)} changes are counted.` : '';
  const others = keys > MAX_KEYS ? ` ${count(keys - MAX_KEYS)} more keys are not shown.` : '';
  return `${what} ${span}, by the clock of Redis.${more}${others}${lacking(knownFrom, from)}`;
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
  return deleted ? 'deleted' : (raw ?? JSON.stringify(value));
}
