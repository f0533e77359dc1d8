/**
 * A process with a large space, as its owner, its standby or a follower, and with a small space beside it. It
 * reports its longest stretch, and for how long its readings were stale.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import Koa from 'koa';
import type { Follower, Owner, Tandem } from '../../src/index.ts';
import { connect, defineSpace, json } from '../../src/index.ts';
import { statusRouter } from '../../src/koa.ts';
import { serve } from '../harness/child.ts';
import { monotonicMs } from '../harness/clock.ts';
import { Memory } from '../harness/memory.ts';
import { Staleness } from '../harness/staleness.ts';
import { Stretch } from '../harness/stretch.ts';
import { keyOf, tick } from '../harness/tick.ts';

/** Values are of any kind here: quotes of 150 bytes, or texts of a mebibyte. */
const definition = { '*': json() };
const giant = defineSpace('giant', definition);
type D = typeof definition;

/** The number of sets between two turns of the event loop. */
const A_TURN = 1_000;
const LONG_MS = 600_000;
/** A small space is set so often, ms. */
const SMALL_MS = 10;

const stretch = new Stretch();
const memory = new Memory();
let tandem: Tandem;
let owner: Owner<D>;
let follower: Follower<D> | undefined;
let smallOwner: Owner<D> | undefined;
let small: Staleness | undefined;
let large: Staleness | undefined;
let sets = 0;
let loading: NodeJS.Timeout | undefined;
let outages = 0;
let fences = 0;
let events: string[] = [];
let begunAt = monotonicMs();
let hasBegun = false;
let torn = 0;

async function rest(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 10));
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function watch(participant: Owner<D> | Follower<D>): void {
  const on = (participant as Owner<D>).on.bind(participant as Owner<D>);
  const note = (what: string): void =>
    void events.push(`${Math.round(monotonicMs() - begunAt)} ms, ${participant.space.name}: ${what}`);
  on('mode', ({ mode, reason }) => {
    if (mode === 'degraded') outages += 1;
    note(`${mode}, ${reason}`);
  });
  on('error', ({ error }) => note(error.message));
  on('fenced', () => {
    fences += 1;
    note('fenced');
  });
}

/** Looks as often as a timer can at the first and the last key of a turn: both are of it, or neither. */
function watchTurn(keys: readonly [string, string]): void {
  setInterval(() => {
    const [first, last] = keys.map((key) => (follower!.get(key).value as { n: number } | undefined)?.n);
    if (first !== last) torn += 1;
  }, 1);
}

serve({
  open: ({ url, name }: { url: string; name: string }) => {
    tandem = connect({ redis: url, name, telemetry: false });
  },
  own: async ({ standby = false, leaseMs = 3_000 }: { standby?: boolean; leaseMs?: number }) => {
    const startedAt = monotonicMs();
    const owned = tandem.own(giant, { standby, leaseMs });
    watch(owned);
    owner = owned;
    if (!standby) await owned.ready({ timeoutMs: LONG_MS });
    return monotonicMs() - startedAt;
  },
  /** A small space that this process owns, or stands by for. Its owner sets a value again and again. */
  ownSmall: async ({
    space,
    standby = false,
    leaseMs,
  }: {
    space: string;
    standby?: boolean;
    leaseMs: number;
  }) => {
    smallOwner = tandem.own(defineSpace(space, definition), { standby, leaseMs });
    watch(smallOwner);
    if (standby) return;
    await smallOwner.ready();
    let n = 0;
    setInterval(() => {
      n += 1;
      if (smallOwner!.ownership === 'leading') smallOwner!.set('small', { n });
    }, SMALL_MS);
  },
  followSmall: async (space: string) => {
    const followed = tandem.follow(defineSpace(space, definition));
    watch(followed);
    await followed.ready();
    small = new Staleness(() => followed.get('small'));
  },
  ownership: () => smallOwner?.ownership,
  fill: async ({ keys, from = 0 }: { keys: number; from?: number }) => {
    const startedAt = monotonicMs();
    for (let n = from; n < from + keys; n += 1, sets += 1) {
      owner.set(keyOf(n, Infinity), tick(sets, 1e6));
      if (n % A_TURN === A_TURN - 1) await nextTurn();
    }
    const position = await owner.flush({ timeoutMs: LONG_MS });
    return { position, ms: monotonicMs() - startedAt };
  },
  fillTexts: async ({ count: texts, bytes }: { count: number; bytes: number }) => {
    for (let n = 0; n < texts; n += 1) {
      owner.set(`text/${n}`, 'x'.repeat(bytes));
      if (n % 4 === 3) await owner.flush({ timeoutMs: LONG_MS });
    }
    return owner.flush({ timeoutMs: LONG_MS });
  },
  /** Sets so many keys in one turn. */
  turn: async (keys: number) => {
    const startedAt = monotonicMs();
    sets += 1;
    const value = tick(sets, 1e6);
    for (let n = 0; n < keys; n += 1) owner.set(keyOf(n, Infinity), value);
    const setMs = monotonicMs() - startedAt;
    const position = await owner.flush({ timeoutMs: LONG_MS });
    return { position, setMs, ms: monotonicMs() - startedAt };
  },
  /** Sets one key after the other from now on, at a rate, a second, until `rest`. */
  load: ({ rate, keys }: { rate: number; keys: number }) => {
    const startedAt = monotonicMs();
    let n = 0;
    loading = setInterval(() => {
      for (const due = ((monotonicMs() - startedAt) * rate) / 1_000; n < due; n += 1, sets += 1)
        owner.set(keyOf(n, keys), tick(sets, 1e6));
    }, 1);
  },
  rest: () => {
    clearInterval(loading);
    return owner.flush({ timeoutMs: LONG_MS });
  },
  /** What this process holds of the large state: the number of keys, and a sum over all of them. */
  held: async () => {
    const participant = follower ?? owner;
    let [sum, looked] = [0, 0];
    for (const { key, value } of participant.entries()) {
      sum = (sum + crc32(`${key} ${JSON.stringify(value)}`)) % 2 ** 32;
      looked += 1;
      if (looked % A_TURN === 0) await nextTurn();
    }
    return { keys: participant.size, sum };
  },
  follow: async () => {
    const startedAt = monotonicMs();
    const followed = (follower = tandem.follow(giant));
    watch(followed);
    await followed.ready({ timeoutMs: LONG_MS });
    const ms = monotonicMs() - startedAt;
    large = new Staleness(() => followed.get(keyOf(0)));
    return ms;
  },
  waitFor: async (position: string) => {
    await follower!.waitFor(position, { timeoutMs: LONG_MS });
  },
  flushed: () => owner.flush({ timeoutMs: LONG_MS }),
  /** Resolves once this standby has read the state. */
  stoodBy: async () => {
    while (owner.mode !== 'connected') await rest();
  },
  led: async () => {
    await owner.ready({ timeoutMs: LONG_MS });
    while (owner.ownership !== 'leading') await rest();
  },
  stop: async () => {
    await tandem.stop({ timeoutMs: 60_000 });
  },
  serve: async (maxClients: number) => {
    const app = new Koa();
    app.silent = true;
    const routes = statusRouter(tandem, { maxClients, page: false }).routes();
    const server = app.use(routes).listen(0, '127.0.0.1', 8_000);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  },
  watchTurn,
  begin: () => {
    hasBegun = true;
    // It collects all garbage, which would count as a stretch.
    memory.begin();
    stretch.take();
    small?.take();
    large?.take();
    outages = fences = torn = 0;
    events = [];
    begunAt = monotonicMs();
  },
  end: () => {
    if (!hasBegun) throw new Error('nothing has begun');
    return {
      stretchMs: stretch.take(),
      smallStaleMs: small?.take() ?? 0,
      staleMs: large?.take() ?? 0,
      memory: memory.end(),
      outages,
      fences,
      torn,
      events: events.slice(0, 50),
    };
  },
});
