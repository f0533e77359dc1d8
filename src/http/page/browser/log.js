/** The event log, newest first. */
import { el } from './dom.js';
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
        { 'data-tone': level },
        el('time', {}, fineTime(wallOf(at))),
        el('span', { class: 'level', 'aria-hidden': 'true' }, MARKS[level] ?? '·'),
        el('span', { class: 'unseen' }, `${WORDS[level] ?? ''}: `),
        el('span', { class: 'where' }, space ?? 'process'),
        el('span', { class: 'what' }, text),
      ),
    );
  }
  while (list.children.length > MAX_SHOWN) list.lastElementChild.remove();
}
