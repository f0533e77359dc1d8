/** The page: takes in what the process tells, and draws it once a frame of the screen. */
import { keepContact } from './contact.js';
import { el, say, tone } from './dom.js';
import { tellLog } from './log.js';
import { SpaceView } from './space.js';
import { seconds } from './words.js';

const $ = (id) => document.getElementById(id);
const [main, nav, log, contact, lost] = ['spaces', 'nav', 'log', 'contact', 'lost'].map($);

/** @type {Map<string, SpaceView>} */
const views = new Map();
let hello;
/** What is to be added to a time of the process to have one of this browser, ms. */
let offsetMs = 0;
let lostAt;
let lostWhy = '';
let isDrawing = false;

const wallOf = (at) => at + offsetMs;

keepContact('events', {
  update(news) {
    if (news.hello) startOver(news.hello);
    if (!hello) return;
    offsetMs = Date.now() - news.now;
    found();
    takeIn(news);
    scheduleDraw();
  },
  lost(why) {
    lostAt ??= Date.now();
    lostWhy = why;
    document.body.dataset.contact = 'lost';
    tone(contact, 'bad');
    say(contact, 'No contact');
    for (const view of views.values()) view.lost();
    tellLost();
  },
});

/** A new contact tells everything anew. */
function startOver(told) {
  log.replaceChildren();
  const isSame = JSON.stringify(told) === JSON.stringify(hello);
  hello = told;
  // Whoever was reading, or typing, goes on where they were.
  if (isSame) for (const view of views.values()) view.reset();
  else for (const space of views.keys()) removeView(space);
  say($('name'), told.name);
  document.title = `${told.name} · Tandem`;
}

function takeIn({ spaces, rows, log: entries, transitions, seconds: lines, points, delayMs }) {
  const here = new Set(spaces.map(({ space }) => space));
  for (const space of views.keys()) if (!here.has(space)) removeView(space);
  for (const space of here) if (!views.has(space)) addView(space);
  const by = (list) => Map.groupBy(list, ({ space }) => space);
  for (const [space, list] of by(transitions))
    views.get(space)?.transitions(list.map((one) => ({ ...one, at: wallOf(one.at) })));
  for (const [space, list] of by(lines)) views.get(space)?.seconds(list);
  for (const news of rows) views.get(news.space)?.rows(news, performance.now());
  for (const [chart, list] of Map.groupBy(points, ({ chart }) => chart))
    views.get(hello.charts[chart].space)?.points(list);
  for (const status of spaces) views.get(status.space).status(status, delayMs);
  tellLog(log, entries, wallOf);
  tellNav(spaces);
}

function addView(space) {
  const view = new SpaceView(space, hello);
  views.set(space, view);
  $('empty')?.remove();
  main.append(view.element);
  nav.append(el('a', { href: `#space-${space}` }, space));
  nav.hidden = views.size < 2;
}

function removeView(space) {
  views.get(space).element.remove();
  views.delete(space);
  // Each of the rest is told of anew.
  nav.lastElementChild?.remove();
  nav.hidden = views.size < 2;
}

function tellNav(spaces) {
  for (const [index, { space, freshness, mode }] of spaces.entries()) {
    const link = nav.children[index];
    if (!link) continue;
    link.href = `#space-${space}`;
    tone(link, views.get(space).tone);
    say(link, `${space}: ${mode}, ${freshness}`);
  }
}

function found() {
  if (lostAt !== undefined || contact.dataset.tone !== 'good') {
    lostAt = undefined;
    delete document.body.dataset.contact;
    lost.hidden = true;
    tone(contact, 'good');
    say(contact, 'In contact');
  }
}

function tellLost() {
  if (lostAt === undefined) return;
  lost.hidden = false;
  const age = Date.now() - lostAt;
  // Said once for those who listen, and counted for those who look.
  if (!lost.firstChild)
    lost.append(
      el('strong', {}, 'No contact with this process.'),
      ' ',
      el('span', { class: 'why' }),
      ' ',
      el('span', { class: 'age', 'aria-hidden': 'true' }),
    );
  say(lost.children[1], `${lostWhy} What is below is from before, and may be wrong by now. Trying again.`);
  say(lost.children[2], `For ${seconds(age)}.`);
}
setInterval(tellLost, 1_000);

function scheduleDraw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    for (const view of views.values()) view.draw(Date.now(), offsetMs);
  });
}
