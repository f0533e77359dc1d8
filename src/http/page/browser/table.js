/** The state as a table with a filter. A row that changed within the last 1.2 s is marked. */
import { el, setText } from './dom.js';
import { clockTime, count } from './words.js';

const FRESH_MS = 1_200;
const MAX_SHOWN = 300;

export class StateTable {
  #rows = new Map();
  #keys = 0;
  #isStale = true;
  #filter = '';
  #body;
  #note;
  element;

  constructor(space) {
    const id = `filter-${space}`;
    this.#body = el('tbody');
    this.#note = el('p', { class: 'hint', role: 'status' });
    const input = el('input', {
      id,
      type: 'search',
      placeholder: 'key or value',
      autocomplete: 'off',
      spellcheck: 'false',
    });
    input.addEventListener('input', () => {
      this.#filter = input.value.trim().toLowerCase();
      this.draw();
    });
    this.element = el(
      'section',
      { class: 'card state-card', 'aria-label': `${space}: state` },
      el(
        'header',
        {},
        el('h3', {}, 'State'),
        this.#note,
        el('label', { class: 'filter', for: id }, el('span', {}, 'Filter'), input),
      ),
      el(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `${space}: keys and values` },
        el(
          'table',
          {},
          el(
            'caption',
            { class: 'unseen' },
            `Keys of the space ${space}, each with its value, and when and where it last changed`,
          ),
          el(
            'thead',
            {},
            el(
              'tr',
              {},
              ...['Key', 'Value', 'Changed', 'Revision'].map((name) => el('th', { scope: 'col' }, name)),
            ),
          ),
          this.#body,
        ),
      ),
    );
  }

  /** @param {{ isWhole: boolean; changes: [string, string, string | null, number | null][] }} news */
  update({ isWhole, changes }, now) {
    if (isWhole) {
      const kept = new Set(changes.map(([key]) => key));
      for (const [key, row] of this.#rows) if (!kept.has(key)) this.#drop(key, row);
    }
    for (const [key, position, text, changedAt] of changes) {
      const row = this.#rows.get(key);
      if (text === null) this.#drop(key, row);
      else if (!row)
        this.#rows.set(key, { position, text, changedAt, at: isWhole ? -Infinity : now, shown: undefined });
      else if (row.position !== position || row.text !== text)
        Object.assign(row, { position, text, changedAt, at: now });
    }
  }

  status(keys = this.#keys, freshness = 'stale') {
    this.#keys = keys;
    this.#isStale = freshness !== 'live';
  }

  draw(now = performance.now()) {
    let shown = 0;
    let found = 0;
    for (const [key, row] of [...this.#rows].sort(byKey)) {
      const isFound = this.#filter === '' || `${key} ${row.text}`.toLowerCase().includes(this.#filter);
      if (isFound) found += 1;
      if (!isFound || shown >= MAX_SHOWN) this.#hide(row);
      else this.#show(key, row, shown++, now);
    }
    const all =
      this.#keys === this.#rows.size
        ? count(this.#keys)
        : `${count(this.#rows.size)} of ${count(this.#keys)}`;
    const part =
      this.#filter === '' ? `${all} ${this.#keys === 1 ? 'key' : 'keys'}` : `${count(found)} of ${all} keys`;
    const shownPart = found > shown ? `${part}, the first ${shown} shown` : part;
    setText(this.#note, this.#isStale ? `${shownPart}; stale` : shownPart);
    this.element.toggleAttribute('data-stale', this.#isStale);
  }

  #show(key, row, index, now) {
    if (!row.shown) {
      const tag = el('span', { class: 'new' });
      const cells = [
        el('th', { scope: 'row' }, key),
        el('td', { class: 'value' }),
        el('td', { class: 'changed' }),
        el('td', { class: 'at' }),
      ];
      const text = el('span');
      cells[3].append(tag, text);
      row.shown = { line: el('tr', {}, ...cells), value: cells[1], changed: cells[2], at: text, tag };
    }
    const { line, value, changed, at, tag } = row.shown;
    if (this.#body.children[index] !== line)
      this.#body.insertBefore(line, this.#body.children[index] ?? null);
    setText(value, row.text);
    this.#showTime(changed, row.changedAt);
    setText(at, row.position.slice(row.position.indexOf('-') + 1));
    at.title = row.position;
    const isFresh = now - row.at < FRESH_MS;
    line.toggleAttribute('data-new', isFresh);
    setText(tag, isFresh ? 'now' : '');
  }

  /** The day is that of now, so the text may change though the time does not. */
  #showTime(cell, changedAt) {
    setText(cell, changedAt === null ? 'not known' : clockTime(changedAt, Date.now()));
    if (cell.dataset.ms === String(changedAt)) return;
    cell.dataset.ms = changedAt;
    cell.title = changedAt === null ? '' : `${new Date(changedAt).toISOString()}, by the clock of Redis`;
  }

  #hide(row) {
    row.shown?.line.remove();
  }

  #drop(key, row) {
    if (!row) return;
    this.#hide(row);
    this.#rows.delete(key);
  }
}

function byKey([a], [b]) {
  return a < b ? -1 : 1;
}
