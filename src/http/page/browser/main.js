/** The page: reads the messages of the process, and draws at most once a frame of the screen. */
import { keepContact } from './contact.js';
import { el, setText, tone } from './dom.js';
import { FleetView } from './fleet.js';
import { addToLog } from './log.js';
import { Meanwhile } from './meanwhile.js';
import { Moment } from './moment.js';
import { showNoContact, showSign } from './sign.js';
import { SpaceView } from './space.js';
import { bytes, count, duration, seconds, zoneName } from './words.js';

const $ = (id) => document.getElementById(id);
const [main, nav, log, contact, lost] = ['spaces', 'nav', 'log', 'contact', 'lost'].map($);

/** @type {Map<string, SpaceView>} */
const views = new Map();
const fleet = new FleetView($('fleet'));
let hello;
/** The process's wall clock less its monotonic one, and less this browser's wall clock, ms. */
let offsetMs = 0;
let skewMs = 0;
/** A clock that is wrong by more than this is said. */
const SKEW_MS = 2_000;
let lostAt;
let lostWhy = '';
let isDrawing = false;

const wallOf = (at) => at + offsetMs;
/** All times on this page are by the clock of the process, as those of its log. */
const wallNow = () => Date.now() + skewMs;
const moment = new Moment($('moment'), views, log, new Meanwhile($('meanwhile')));

keepContact('events', {
  update(news) {
    if (news.hello) startOver(news.hello);
    if (!hello) return;
    offsetMs = news.wall - news.now;
    skewMs = news.wall - Date.now();
    found();
    show(news);
    void fleet.look();
    scheduleDraw();
  },
  lost(why) {
    lostAt ??= Date.now();
    lostWhy = why;
    document.body.dataset.contact = 'lost';
    tone(contact, 'bad');
    setText(contact, 'No contact');
    for (const view of views.values()) view.lost(wallNow());
    for (const link of nav.children) tone(link, 'none');
    showNoContact(hello?.name ?? 'this process');
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
}

function show(news) {
  const {
    spaces,
    others,
    rows,
    log: entries,
    transitions,
    seconds: lines,
    points,
    timelines,
    delayMs,
  } = news;
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
  for (const one of timelines) views.get(one.space)?.timeline(one);
  for (const status of spaces) views.get(status.space).status(status, delayMs);
  addToLog(log, entries, wallOf);
  drawNav(spaces);
  showOthers(others);
  showLoad(news.load);
  showProcess(news.redis);
  showSign(
    hello.name,
    spaces.map((one) => ({ ...one, tone: views.get(one.space).tone })),
  );
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

/** Which process this is, and which Redis it uses. */
function showProcess(redis) {
  const { host, pid, version, node } = hello.process;
  const parts = [`${host}, pid ${pid}`, `tandem-sync ${version}, Node ${node}`];
  if (redis !== null) parts.push(`Redis at ${redis}`);
  setText($('process'), parts.join(' · '));
  const apart = Math.abs(skewMs) > SKEW_MS;
  const clock = `, whose clock is ${seconds(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this browser's`;
  setText($('zone'), `times are ${zoneName()}, by the clock of the process${apart ? clock : ''}`);
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
    for (const view of views.values()) view.draw(wallNow(), offsetMs);
    moment.draw(wallNow());
  });
}
