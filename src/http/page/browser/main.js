/** The page: reads the messages of the process, and draws at most once a frame of the screen. */
import { keepContact } from './contact.js';
import { el, setText, tone } from './dom.js';
import { addToLog } from './log.js';
import { SpaceView } from './space.js';
import { bytes, count, duration, seconds } from './words.js';

const $ = (id) => document.getElementById(id);
const [main, nav, log, contact, lost] = ['spaces', 'nav', 'log', 'contact', 'lost'].map($);

/** @type {Map<string, SpaceView>} */
const views = new Map();
let hello;
/** This browser's time less the process's, ms. */
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
    show(news);
    scheduleDraw();
  },
  lost(why) {
    lostAt ??= Date.now();
    lostWhy = why;
    document.body.dataset.contact = 'lost';
    tone(contact, 'bad');
    setText(contact, 'No contact');
    for (const view of views.values()) view.lost();
    showLost();
  },
});

/** A new connection sends everything from the beginning. */
function startOver(received) {
  log.replaceChildren();
  const isSame = JSON.stringify(received) === JSON.stringify(hello);
  hello = received;
  // The same process: the views stay, so that nobody loses the scroll position or a filter being typed.
  if (isSame) for (const view of views.values()) view.reset();
  else for (const space of views.keys()) removeView(space);
  setText($('name'), received.name);
  document.title = `${received.name} · Tandem`;
}

function show({ spaces, others, rows, log: entries, transitions, seconds: lines, points, delayMs, load }) {
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
  addToLog(log, entries, wallOf);
  drawNav(spaces);
  showOthers(others);
  showLoad(load);
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
  // `drawNav` labels the remaining links anew.
  nav.lastElementChild?.remove();
  nav.hidden = views.size < 2;
}

function drawNav(spaces) {
  for (const [index, { space, freshness, mode }] of spaces.entries()) {
    const link = nav.children[index];
    if (!link) continue;
    link.href = `#space-${space}`;
    tone(link, views.get(space).tone);
    setText(link, `${space}: ${mode}, ${freshness}`);
  }
}

/** Of many spaces the process sends those by name and those that are not well. */
function showOthers({ count: number, notLive }) {
  $('others').hidden = number === 0;
  const state = notLive === 0 ? 'all of them live' : `${count(notLive)} of them not live`;
  setText($('others'), `${count(number)} more spaces are not shown, ${state}.`);
}

/** What Tandem takes of this process. */
function showLoad({ longestStretchMs, heldBytes, waitingSlices }) {
  const stretch = `Longest stretch of the last minute: ${duration(longestStretchMs)}`;
  const jobs = waitingSlices === 1 ? '1 job' : `${count(waitingSlices)} jobs`;
  setText($('load'), `${stretch}. ${jobs} in slices. ${bytes(heldBytes)} held for clients.`);
}

function found() {
  if (lostAt !== undefined || contact.dataset.tone !== 'good') {
    lostAt = undefined;
    delete document.body.dataset.contact;
    lost.hidden = true;
    tone(contact, 'good');
    setText(contact, 'In contact');
  }
}

function showLost() {
  if (lostAt === undefined) return;
  lost.hidden = false;
  const age = Date.now() - lostAt;
  // A screen reader announces the text once; the counter of seconds is hidden from it.
  if (!lost.firstChild)
    lost.append(
      el('strong', {}, 'No contact with this process.'),
      ' ',
      el('span', { class: 'why' }),
      ' ',
      el('span', { class: 'age', 'aria-hidden': 'true' }),
    );
  setText(
    lost.children[1],
    `${lostWhy} The state below is the last one received; it may be old. Trying again.`,
  );
  setText(lost.children[2], `For ${seconds(age)}.`);
}
setInterval(showLost, 1_000);

function scheduleDraw() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    for (const view of views.values()) view.draw(Date.now(), offsetMs);
  });
}
