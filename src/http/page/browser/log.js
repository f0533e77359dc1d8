/** The event log, newest first. */
import { el } from './dom.js';
import { momentHref } from './moment.js';
import { fineTime } from './words.js';

const MAX_SHOWN = 120;
const MARKS = { good: '✓', info: '·', warn: '!', bad: '✕' };
const WORDS = { good: 'good', info: 'note', warn: 'warning', bad: 'trouble' };

/** @param {HTMLElement} list */
export function addToLog(list, entries, wallOf) {
  for (const { at, space, level, text } of entries) {
    list.prepend(
      el(
        'li',
        { 'data-tone': level, 'data-at': Math.round(wallOf(at)) },
        timeLink(wallOf(at), space),
        el('span', { class: 'level', 'aria-hidden': 'true' }, MARKS[level] ?? '·'),
        el('span', { class: 'unseen' }, `${WORDS[level] ?? ''}: `),
        el('span', { class: 'where' }, space ?? 'process'),
        el('span', { class: 'what' }, text),
      ),
    );
  }
  while (list.children.length > MAX_SHOWN) list.lastElementChild.remove();
}

/** A time that is a link to its moment. */
export function timeLink(wallMs, space) {
  const iso = new Date(wallMs).toISOString();
  return el(
    'a',
    { class: 'when', href: momentHref(space, wallMs), title: iso },
    el('time', { datetime: iso }, fineTime(wallMs)),
  );
}
