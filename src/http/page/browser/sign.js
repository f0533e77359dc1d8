/** The state of the worst space in the title and the icon of the tab, for whoever has the page open in another one. */
const RANKS = ['good', 'none', 'warn', 'bad'];
const MARKS = { good: '✓', warn: '!', bad: '✕', none: '?' };
const COLOURS = { good: '#17734a', warn: '#b97a00', bad: '#c62828', none: '#6b7684' };
/** A shape for each, since not everybody sees the colours. */
const SHAPES = {
  good: '<circle cx="8" cy="8" r="7"/>',
  warn: '<rect x="1" y="1" width="14" height="14" rx="3"/>',
  bad: '<path d="M5 0h6l5 5v6l-5 5H5l-5-5V5z"/>',
  none: '<circle cx="8" cy="8" r="6" fill="none" stroke-width="3"/>',
};
const icon = document.querySelector('link[rel="icon"]');
let shown = '';

/**
 * @param {string} name of the process
 * @param {{ space: string; tone: string; summary: string }[]} spaces
 */
export function showSign(name, spaces) {
  const worst = spaces.reduce((a, b) => (RANKS.indexOf(b.tone) > RANKS.indexOf(a.tone) ? b : a), {
    tone: spaces.length === 0 ? 'none' : 'good',
    summary: '',
  });
  const what = worst.tone === 'good' ? '' : `${firstOf(worst.summary)} · `;
  const where = worst.space !== undefined && spaces.length > 1 && what !== '' ? `${worst.space}: ` : '';
  show(worst.tone, `${MARKS[worst.tone]} ${where}${what}${name} · Tandem`);
}

export function showNoContact(name) {
  show('none', `? No contact · ${name} · Tandem`);
}

function show(tone, title) {
  if (document.title !== title) document.title = title;
  if (tone === shown) return;
  shown = tone;
  const colour = COLOURS[tone];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="${colour}" stroke="${colour}">${SHAPES[tone]}</svg>`;
  icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** The first clause of a headline. */
function firstOf(summary) {
  return summary.split(/[.:]/)[0];
}
