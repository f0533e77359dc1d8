/** A trading process: it owns the space or stands by, sets values at random, and serves the direct path. */
import { once } from 'node:events';
import Koa from 'koa';
import { connect } from '../../src/index.ts';
import { directRouter } from '../../src/koa.ts';
import type { EventOf } from '../history/event.ts';
import { placeOf } from '../history/place.ts';
import type { Event } from '../history/event.ts';
import { Trader } from '../history/trader.ts';
import { Random } from '../simulation/random.ts';
import { EDITED, space } from '../simulation/space.ts';
import { report, serve } from './child.ts';
import type { OwnerTask } from './orders.ts';
import { LEASE_MS, SITES, TOKEN } from './orders.ts';
import { now, Recorder } from './recorder.ts';

const PACE_MS = 50;
const EDITED_KEYS = [1, 2, 3].map((n) => `${EDITED}${n}` as const);

const { id, redis, file, seed, port, site, how } = JSON.parse(process.argv[2]!) as OwnerTask;
const recorder = new Recorder(file);
const random = new Random(seed);
let last = { epoch: 0, revision: 0 };
let lastId = 0;
let isBusy = true;
let hasEnded = false;

const tandem = connect({ redis, name: id });
const app = new Koa();
// Followers that are killed break off their requests, which Koa would log.
app.silent = true;
const server = app.use(directRouter(tandem, { token: TOKEN }).routes()).listen(port, '127.0.0.1');
await once(server, 'listening');
const owner = tandem.own(space, {
  standby: how === 'stands by',
  takeOver: how === 'takes over',
  leaseMs: LEASE_MS,
});
owner.on('ownership', ({ ownership }) => report({ about: 'ownership', ownership }));
const trader = new Trader(id, owner, { random, now, record, nextId, broken });
owner.on('ownership', ({ ownership }) => {
  if (ownership === 'leading') setEdited();
});
owner.on('fenced', () => ended('fenced'));
serve(id, owner, tandem, recorder, { rest, wake, stopped: () => ended('stopped') });
loop();

function loop(): void {
  setTimeout(
    () => {
      if (!isBusy || hasEnded) return;
      trader.act();
      loop();
    },
    random.between(1, PACE_MS),
  );
}

function rest(): void {
  isBusy = false;
  fill(placeOf(owner.head).revision, now());
}

function wake(): void {
  if (isBusy) return;
  isBusy = true;
  loop();
}

/** Sets the keys that others edit. Checkers only require that they are equal in the end. */
function setEdited(): void {
  for (const key of EDITED_KEYS) {
    owner.set(key, { id: nextId() });
    trader.did(key, null, owner.head);
  }
}

function ended(how: EventOf<'ended'>['how']): void {
  if (hasEnded) return;
  hasEnded = true;
  recorder.write({ type: 'ended', at: now(), owner: id, how });
  report({ about: 'ended' });
}

/** Ids grow with time, and no other process has the same. */
function nextId(): number {
  lastId = Math.max(lastId + SITES, Math.floor(now() * 1_000) * SITES + site);
  return lastId;
}

function broken(what: string): void {
  recorder.write({ type: 'broken', at: now(), what });
}

function record(event: Event): void {
  if (event.type !== 'op' && event.type !== 'claimed') return recorder.write(event);
  const place = placeOf(event.head);
  if (event.type === 'op' && place.epoch === last.epoch) fill(place.revision - 1, event.at);
  recorder.write(event);
  last = place;
}

/**
 * An owner that finds a key edited in Redis writes its own value again, which takes a revision without a
 * change. This records every such revision up to `revision`.
 */
function fill(revision: number, at: number): void {
  const { epoch } = last;
  if (epoch === 0 || placeOf(owner.head).epoch !== epoch) return;
  while (last.revision < revision) {
    last = { epoch, revision: last.revision + 1 };
    const head = `${epoch}-${last.revision}`;
    recorder.write({ type: 'op', at, owner: id, key: `${EDITED}again`, id: null, head, open: false });
  }
}
